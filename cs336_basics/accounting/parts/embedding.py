"""The cost of `nn.embedding`: memory for the matrix, and no arithmetic, since rows are only copied."""

from dataclasses import dataclass

from cs336_basics.accounting.batch import FLOAT32_BYTES, INT64_BYTES, Batch
from cs336_basics.accounting.parts.part import Part, Working


@dataclass(frozen=True)
class EmbeddingCost(Part):
    """A row for each entry of the vocabulary."""

    vocab_size: int
    d_model: int

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Return the matrix."""
        return {"weight": (self.vocab_size, self.d_model)}

    def saved(self, batch: Batch) -> dict[str, int]:
        """The backward pass must know which rows were taken."""
        return {"ids": INT64_BYTES * batch.tokens}

    def working(self, batch: Batch) -> Working:
        """The rows, which become the residual stream."""
        rows = FLOAT32_BYTES * batch.tokens * self.d_model
        return Working(forward=rows, backward=0)
