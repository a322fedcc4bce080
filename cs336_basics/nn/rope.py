"""The rotary tables as a part of a model: made once, shared by all layers, never saved."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cs336_basics.functional.rope import rope_frequencies, tables_of

RopeTables = tuple[Float[Tensor, "max_seq_len pairs"], Float[Tensor, "max_seq_len pairs"]]


class RotaryPositions(nn.Module):
    """Owns the cosine and sine tables of positions 0..max_seq_len-1, always in float32."""

    cos: Tensor
    sin: Tensor

    def __init__(
        self,
        d_head: int,
        max_seq_len: int,
        theta: float = 10000.0,
        *,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        self.d_head = d_head
        self.max_seq_len = max_seq_len
        self.theta = theta
        cos, sin = tables_of(self.frequencies(device), max_seq_len)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def frequencies(self, device: torch.device | str | None) -> Float[Tensor, "pairs"]:
        """Return the radians by which each pair turns from one position to the next; variants have others."""
        return rope_frequencies(self.d_head, self.theta, device=device)

    def forward(self) -> RopeTables:
        """Return (cos, sin), as `functional.rope.rope` takes them."""
        return self.cos, self.sin

    def extra_repr(self) -> str:
        """Show the sizes when the module is printed."""
        return f"d_head={self.d_head}, max_seq_len={self.max_seq_len}, theta={self.theta}"

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "RotaryPositions":
        # `model.to(bfloat16)` would round the angles away and `to_empty` would leave the tables unfilled:
        # whatever happens to a model, they are made again on the device where it ends up.
        super()._apply(fn, recurse)
        self.cos, self.sin = tables_of(self.frequencies(self.cos.device), self.max_seq_len)
        return self
