"""The plain feed-forward network of two matrices (Vaswani et al. 2017, section 3.3)."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cs336_basics.functional.activation import silu
from cs336_basics.nn.linear import Linear


class FeedForward(nn.Module):
    """`w2(activation(w1 x))`; with `d_ff = 4 d_model`, the default, it has about the parameters of SwiGLU."""

    def __init__(
        self,
        d_model: int,
        d_ff: int | None = None,
        activation: Callable[[Tensor], Tensor] = silu,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if d_ff is None:
            d_ff = 4 * d_model
        self.activation = activation
        self.w1 = Linear(d_model, d_ff, device=device, dtype=dtype)
        self.w2 = Linear(d_ff, d_model, device=device, dtype=dtype)

    def forward(self, x: Float[Tensor, "... d_model"]) -> Float[Tensor, "... d_model"]:
        """Apply the network to each position on its own."""
        features = self.activation(self.w1(x))
        return self.w2(features)

    def extra_repr(self) -> str:
        """Show the activation when the module is printed."""
        return f"activation={self.activation.__name__}"
