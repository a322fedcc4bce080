"""The cost of the two forms of cross-entropy, `functional.loss` and `functional.chunked_loss`."""

from dataclasses import dataclass

from cs336_basics.accounting.batch import FLOAT32_BYTES, INT64_BYTES, Batch
from cs336_basics.accounting.parts.part import Part, Working

# As in `functional.chunked_loss`, which would load torch; a test holds them equal.
CHUNK_TOKENS = 256


@dataclass(frozen=True)
class PlainLossCost(Part):
    """Cross-entropy from all logits."""

    d_model: int
    vocab_size: int

    def results(self, batch: Batch) -> dict[str, int]:
        """Return the probabilities, from which the losses of all tokens come."""
        return {"cross-entropy": batch.tokens * self.vocab_size}

    def saved(self, batch: Batch) -> dict[str, int]:
        """Two tensors of the size of the logits."""
        logits = FLOAT32_BYTES * batch.tokens * self.vocab_size
        return {
            "shifted logits": logits,
            "exponentials": logits,
            "normalizers": FLOAT32_BYTES * batch.tokens,
            "targets": INT64_BYTES * batch.tokens,
        }

    def working(self, batch: Batch) -> Working:
        """Forward the logits as they came, backward their gradient."""
        numbers = batch.tokens * self.vocab_size
        return Working(forward=batch.product_bytes * numbers, backward=FLOAT32_BYTES * numbers)


class ChunkedLossCost(PlainLossCost):
    """Head and cross-entropy by chunks of tokens, with their gradients in the forward pass."""

    def saved(self, batch: Batch) -> dict[str, int]:
        """What is kept are the gradients themselves."""
        return {
            "gradient of the hidden states": FLOAT32_BYTES * batch.tokens * self.d_model,
            "gradient of the head": FLOAT32_BYTES * self.vocab_size * self.d_model,
        }

    def working(self, batch: Batch) -> Working:
        """Forward, in bfloat16, a copy of the head besides what comes and goes; backward both gradients."""
        matrix = self.vocab_size * self.d_model
        return Working(
            forward=self._chunk_by_chunk(batch) + batch.copy_bytes(matrix),
            backward=FLOAT32_BYTES * (batch.tokens * self.d_model + matrix),
        )

    def _chunk_by_chunk(self, batch: Batch) -> int:
        """Two chunks of logits, in bfloat16 in both types, or one and what it adds to a gradient."""
        one_chunk = self._logits_bytes(batch, min(batch.tokens, CHUNK_TOKENS))
        two_chunks = self._logits_bytes(batch, min(batch.tokens, 2 * CHUNK_TOKENS))
        return max(two_chunks, one_chunk + self._added_to_the_gradient(batch))

    def _added_to_the_gradient(self, batch: Batch) -> int:
        """The product of a chunk, where that is bfloat16 also in float32 to be added."""
        matrix = self.vocab_size * self.d_model
        return FLOAT32_BYTES * matrix + batch.copy_bytes(matrix)

    def _logits_bytes(self, batch: Batch, tokens: int) -> int:
        logits = tokens * self.vocab_size
        return FLOAT32_BYTES * logits + batch.copy_bytes(logits)


class SoftcappedChunkedLossCost(ChunkedLossCost):
    """The same with logits that are bent, chunk by chunk."""

    def _chunk_by_chunk(self, batch: Batch) -> int:
        """A chunk as it came, bent, and twice on the way to the slope; the gradient of the last one waits."""
        first = self.vocab_size * min(batch.tokens, CHUNK_TOKENS)
        second = self.vocab_size * min(batch.tokens, 2 * CHUNK_TOKENS) - first
        gradient_of_first = batch.product_bytes * first
        return max(
            4 * FLOAT32_BYTES * first,
            4 * FLOAT32_BYTES * second + gradient_of_first,
            FLOAT32_BYTES * first + gradient_of_first + self._added_to_the_gradient(batch),
        )
