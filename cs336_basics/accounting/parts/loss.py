"""The cost of the two forms of cross-entropy, `functional.loss` and `functional.chunked_loss`."""

from dataclasses import dataclass

from cs336_basics.accounting.batch import FLOAT32_BYTES, INT64_BYTES, Batch
from cs336_basics.accounting.parts.part import Part, Working

# As in `functional.chunked_loss`, which would load torch; a test holds them equal.
CHUNK_TOKENS = 512


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
        """The logits of a chunk, in bfloat16 in both types, and what is added to the gradients."""
        logits = self.vocab_size * self._tokens_of_chunk(batch)
        return FLOAT32_BYTES * logits + batch.copy_bytes(logits) + self._added_to_the_gradients(batch)

    def _added_to_the_gradients(self, batch: Batch) -> int:
        """A product for the hidden states; in bfloat16 also one for the head, and the same in float32."""
        for_the_hidden_states = batch.product_bytes * self._tokens_of_chunk(batch) * self.d_model
        for_the_head = 3 * batch.copy_bytes(self.vocab_size * self.d_model)
        return max(for_the_hidden_states, for_the_head)

    def _tokens_of_chunk(self, batch: Batch) -> int:
        return min(batch.tokens, CHUNK_TOKENS)


class SoftcappedChunkedLossCost(ChunkedLossCost):
    """The same with logits that are bent, chunk by chunk."""

    def _chunk_by_chunk(self, batch: Batch) -> int:
        """A chunk as it came, bent, and twice on the way to the slope."""
        logits = self.vocab_size * self._tokens_of_chunk(batch)
        return max(4 * FLOAT32_BYTES * logits, super()._chunk_by_chunk(batch))
