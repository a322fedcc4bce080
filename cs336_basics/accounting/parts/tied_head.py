"""The cost of `nn.tied_head`: the head that uses the weight of the embedding, and what that adds there."""

from dataclasses import dataclass

from cs336_basics.accounting.batch import FLOAT32_BYTES, Batch
from cs336_basics.accounting.parts.around import AroundCost
from cs336_basics.accounting.parts.embedding import EmbeddingCost
from cs336_basics.accounting.parts.part import Working


@dataclass(frozen=True)
class TiedHeadCost(AroundCost):
    """The product of the head inside, but no weight: the embedding has it."""

    d_model: int
    vocab_size: int

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Return none."""
        return {}

    def working(self, batch: Batch) -> Working:
        """The gradient of the matrix waits for the one that the embedding adds to it."""
        inside = self.inside.working(batch)
        matrix = FLOAT32_BYTES * self.d_model * self.vocab_size
        return Working(forward=inside.forward, backward=inside.backward + matrix, left=matrix)


class TiedPlainEmbeddingCost(EmbeddingCost):
    """The embedding beside a head that was applied to all tokens at once."""

    def working(self, batch: Batch) -> Working:
        """The gradient of the head lies transposed, so that the sum of both is a tensor of its own."""
        matrix = FLOAT32_BYTES * self.vocab_size * self.d_model
        return Working(forward=super().working(batch).forward, backward=matrix)
