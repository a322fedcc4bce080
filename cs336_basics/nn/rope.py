"""The rotary tables as a part of a model: made once, shared by all layers, never saved."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cs336_basics.functional.rope import rope_tables

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
        cos, sin = self.make_tables(device)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def make_tables(self, device: torch.device | str | None) -> RopeTables:
        """Return the tables on a device; variants have other frequencies."""
        return rope_tables(self.d_head, self.max_seq_len, self.theta, device=device)

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
        self.cos, self.sin = self.make_tables(self.cos.device)
        return self
