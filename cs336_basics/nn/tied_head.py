"""The head that reads logits with the rows of the embedding (Press and Wolf 2017, arXiv:1608.05859)."""

from jaxtyping import Float
from torch import Tensor, nn

from cs336_basics.functional.linear import linear
from cs336_basics.nn.embedding import Embedding


class TiedHead(nn.Module):
    """`y = W x` with the embedding's own weight W, which is saved and counted there and only there."""

    def __init__(self, embedding: Embedding) -> None:
        super().__init__()
        self._embedding = (embedding,)  # in a tuple: a module's child would be saved and counted twice

    @property
    def weight(self) -> nn.Parameter:
        """The embedding's weight, (vocab, d_model)."""
        return self._embedding[0].weight

    def forward(self, x: Float[Tensor, "... d_model"]) -> Float[Tensor, "... vocab"]:
        """Multiply the last axis of `x` by the weight."""
        return linear(x, self.weight)
