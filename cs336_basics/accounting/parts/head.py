"""The cost of the last matrix, which the plain loss applies at once and the chunked loss by chunks."""

from dataclasses import dataclass

from cs336_basics.accounting.batch import FLOAT32_BYTES, Batch
from cs336_basics.accounting.parts.part import MatrixProduct, Part, Working, linear_product


@dataclass(frozen=True)
class HeadCost(Part):
    """The matrix and its product, which the chunked loss computes and accounts for."""

    d_model: int
    vocab_size: int

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Return the matrix."""
        return {"weight": (self.vocab_size, self.d_model)}

    def products(self, batch: Batch) -> tuple[MatrixProduct, ...]:
        """Return the product that makes the logits."""
        return (linear_product("head: logits", batch, self.d_model, self.vocab_size),)

    def results(self, batch: Batch) -> dict[str, int]:
        """Return the logits."""
        return {"logits": batch.tokens * self.vocab_size}


class PlainHeadCost(HeadCost):
    """The matrix applied to all tokens at once."""

    def saved(self, batch: Batch) -> dict[str, int]:
        """The logits themselves are not kept."""
        return {
            "input": batch.product_input_bytes(batch.tokens * self.d_model),
            "copies of the weights": batch.copy_bytes(self.d_model * self.vocab_size),
        }

    def working(self, batch: Batch) -> Working:
        """The logits, and backward the gradient that goes on."""
        return Working(
            forward=batch.product_bytes * batch.tokens * self.vocab_size,
            backward=FLOAT32_BYTES * batch.tokens * self.d_model,
        )
