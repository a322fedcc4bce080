"""No normalisation: what stands in the place of a norm when there is none."""

from jaxtyping import Float
from torch import Tensor, nn


class NoNorm(nn.Module):
    """Give back what comes in."""

    def forward(self, x: Float[Tensor, "... d_model"]) -> Float[Tensor, "... d_model"]:
        """Return `x`."""
        return x
