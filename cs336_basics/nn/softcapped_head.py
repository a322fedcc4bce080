"""A head whose logits cannot become large (Gemma 2, arXiv:2408.00118, section 2)."""

from jaxtyping import Float
from torch import Tensor, nn

from cs336_basics.functional.softcap import softcap


class SoftcappedHead(nn.Module):
    """`cap * tanh(head(x) / cap)`: logits between -cap and cap, nearly unchanged where they are small.

    Shapes: (... d_model) -> (... vocab)
    """

    def __init__(self, head: nn.Module, cap: float) -> None:
        super().__init__()
        self.head = head
        self.cap = cap

    @property
    def weight(self) -> nn.Parameter:
        """The weight of the head inside, (vocab, d_model)."""
        return self.head.weight  # pyright: ignore[reportReturnType]

    def forward(self, x: Float[Tensor, "... d_model"]) -> Float[Tensor, "... vocab"]:
        """Return the bent logits."""
        return softcap(self.head(x), self.cap)

    def extra_repr(self) -> str:
        """Show the cap when the module is printed."""
        return f"cap={self.cap}"
