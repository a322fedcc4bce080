"""The linear layer: a matrix and nothing else."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cs336_basics.functional.linear import linear
from cs336_basics.nn import init


class Linear(nn.Module):
    """`y = W x` for the last axis of `x`, without a bias; `weight` is W, (out_features, in_features).

    Shapes: x (... d_in) -> (... d_out)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = nn.Parameter(torch.empty(out_features, in_features, device=device, dtype=dtype))
        init.trunc_normal(self.weight)

    def forward(self, x: Float[Tensor, "... d_in"]) -> Float[Tensor, "... d_out"]:
        """Multiply the last axis of `x` by the weight."""
        return linear(x, self.weight)

    def extra_repr(self) -> str:
        """Show the sizes when the module is printed."""
        return f"in_features={self.in_features}, out_features={self.out_features}"
