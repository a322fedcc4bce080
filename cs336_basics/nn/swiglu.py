"""The feed-forward network of the block: SwiGLU (Shazeer 2020, arXiv:2002.05202)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cs336_basics.functional.activation import silu
from cs336_basics.nn.config import swiglu_d_ff
from cs336_basics.nn.linear import Linear


class SwiGLU(nn.Module):
    """`w2(silu(w1 x) * w3 x)`: a gate, computed from `x` itself, lets each feature through or not.

    `d_ff` defaults to `swiglu_d_ff(d_model)`, which gives the parameters of a plain two-matrix network
    with `d_ff = 4 d_model`.

    Shapes: x (... d_model) -> (... d_model)
    """

    def __init__(
        self,
        d_model: int,
        d_ff: int | None = None,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if d_ff is None:
            d_ff = swiglu_d_ff(d_model)
        self.w1 = Linear(d_model, d_ff, device=device, dtype=dtype)
        self.w2 = Linear(d_ff, d_model, device=device, dtype=dtype)
        self.w3 = Linear(d_model, d_ff, device=device, dtype=dtype)

    def forward(self, x: Float[Tensor, "... d_model"]) -> Float[Tensor, "... d_model"]:
        """Apply the network to each position on its own."""
        gate = silu(self.w1(x))
        value = self.w3(x)
        return self.w2(gate * value)
