"""Causal multi-head self-attention in memory linear in the sequence."""

from jaxtyping import Float
from torch import Tensor

from cs336_basics.functional.chunked_attention import chunked_causal_attention
from cs336_basics.functional.complex_rope import complex_rope
from cs336_basics.nn.attention import MultiHeadSelfAttention


class ChunkedSelfAttention(MultiHeadSelfAttention):
    """The same weights and results as `MultiHeadSelfAttention`, without a matrix of all scores."""

    rotate = staticmethod(complex_rope)

    def attend(
        self,
        q: Float[Tensor, "... heads seq d_head"],
        k: Float[Tensor, "... heads seq d_head"],
        v: Float[Tensor, "... heads seq d_head"],
    ) -> Float[Tensor, "... heads seq d_head"]:
        """Attend chunk by chunk."""
        return chunked_causal_attention(q, k, v)
