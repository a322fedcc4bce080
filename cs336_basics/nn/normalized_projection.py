"""Queries or keys whose features have a root mean square of 1, times a gain, in each head: QK-norm.

Source: Henry et al. 2020, arXiv:2010.04245.
"""

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from cs336_basics.nn.rmsnorm import RMSNorm


class NormalizedProjection(nn.Module):
    """A projection whose output goes through an RMSNorm head by head; all heads share its gains.

    It stands in the place of `q_proj` or `k_proj`, before RoPE, so that scores cannot grow without bound
    (as a recipe for language models: Dehghani et al. 2023, arXiv:2302.05442, section 2).
    """

    def __init__(self, projection: nn.Module, norm: RMSNorm) -> None:
        super().__init__()
        self.projection = projection
        self.norm = norm

    def forward(self, x: Float[Tensor, "... d_model"]) -> Float[Tensor, "... d_heads"]:
        """Project, then normalise the features of each head."""
        d_head = self.norm.weight.shape[0]
        by_head = rearrange(self.projection(x), "... (heads d_head) -> ... heads d_head", d_head=d_head)
        normalized = self.norm(by_head)
        return rearrange(normalized, "... heads d_head -> ... (heads d_head)")
