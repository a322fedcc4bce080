"""Root mean square layer normalisation (Zhang and Sennrich 2019, arXiv:1910.07467)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cs336_basics.functional.rms_norm import rms_norm


class RMSNorm(nn.Module):
    """`x / sqrt(mean(x^2) + eps) * gain` over the last axis; `weight` is the gain, of shape (d_model,).

    Shapes: x (... d_model) -> (... d_model)
    """

    def __init__(
        self,
        d_model: int,
        eps: float = 1e-5,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model, device=device, dtype=dtype))

    def forward(self, x: Float[Tensor, "... d_model"]) -> Float[Tensor, "... d_model"]:
        """Normalise the last axis of `x` and scale it by the gain."""
        return rms_norm(x, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Show the sizes when the module is printed."""
        return f"{self.weight.shape[0]}, eps={self.eps}"
