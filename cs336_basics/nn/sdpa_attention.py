"""Causal multi-head self-attention by PyTorch's own kernel: not from scratch, here to compare and to use.

On a GPU it is FlashAttention, on a CPU a fused loop. Nothing chooses it but `attention="sdpa"`.
"""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from cs336_basics.functional.complex_rope import complex_rope
from cs336_basics.nn.attention import MultiHeadSelfAttention


class SdpaSelfAttention(MultiHeadSelfAttention):
    """The same weights and results as `MultiHeadSelfAttention`, computed by PyTorch."""

    rotate = staticmethod(complex_rope)

    def attend(
        self,
        q: Float[Tensor, "... heads seq d_head"],
        k: Float[Tensor, "... heads seq d_head"],
        v: Float[Tensor, "... heads seq d_head"],
    ) -> Float[Tensor, "... heads seq d_head"]:
        """Attend in one call."""
        return scaled_dot_product_attention(q, k, v, is_causal=True)
