"""Grouped-query attention (Ainslie et al. 2023, arXiv:2305.13245, section 2.2), with heads of any size.

Several heads of queries share one head of keys and values, so that there is less to keep for generation.
Where all positions attend at once, keys and values are repeated for each head, and then attention is what it
always is, in any of its forms.
"""

import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float
from torch import Tensor, nn

from cs336_basics.functional.attention import scaled_dot_product_attention
from cs336_basics.nn.attention import MultiHeadSelfAttention
from cs336_basics.nn.chunked_attention import ChunkedSelfAttention
from cs336_basics.nn.linear import Linear
from cs336_basics.nn.sdpa_attention import SdpaSelfAttention


class GroupedSelfAttention(MultiHeadSelfAttention):
    """Like `MultiHeadSelfAttention`, but `num_heads / num_kv_heads` neighbouring heads share keys and values.

    Here `d_head` may be any size: queries have `num_heads * d_head` features, keys and values
    `num_kv_heads * d_head`, and `output_proj` brings them back to `d_model`.
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        num_kv_heads: int,
        d_head: int,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        nn.Module.__init__(self)  # not the parent's __init__, whose projections are all d_model wide
        if num_kv_heads < 1 or num_heads % num_kv_heads != 0:
            raise ValueError(
                f"num_kv_heads must divide num_heads but {num_kv_heads} does not divide {num_heads}; "
                "change one of the two"
            )
        self.num_heads = num_heads
        self.num_kv_heads = num_kv_heads
        self.q_proj = Linear(d_model, num_heads * d_head, device=device, dtype=dtype)
        self.k_proj = Linear(d_model, num_kv_heads * d_head, device=device, dtype=dtype)
        self.v_proj = Linear(d_model, num_kv_heads * d_head, device=device, dtype=dtype)
        self.output_proj = Linear(num_heads * d_head, d_model, device=device, dtype=dtype)

    def attend(
        self,
        q: Float[Tensor, "... heads seq d_head"],
        k: Float[Tensor, "... kv_heads seq d_head"],
        v: Float[Tensor, "... kv_heads seq d_head"],
    ) -> Float[Tensor, "... heads seq d_head"]:
        """Give each head of queries its keys and values, then attend as the other base class does.

        In `GroupedChunkedSelfAttention` and `GroupedSdpaSelfAttention` below, `super()` is not
        `MultiHeadSelfAttention` but the second base, `ChunkedSelfAttention` or `SdpaSelfAttention`: it comes
        next in the method resolution order.
        """
        group = self.num_heads // self.num_kv_heads
        for_each_query_head = "... kv_heads seq d_head -> ... (kv_heads group) seq d_head"
        keys = repeat(k, for_each_query_head, group=group)
        values = repeat(v, for_each_query_head, group=group)
        return super().attend(q, keys, values)

    def attend_to_cache(
        self,
        q: Float[Tensor, "batch heads 1 d_head"],
        keys: Float[Tensor, "batch kv_heads keys d_head"],
        values: Float[Tensor, "batch kv_heads keys d_head"],
        mask: Bool[Tensor, "batch 1 1 keys"] | None,
    ) -> Float[Tensor, "batch heads 1 d_head"]:
        """Let the new queries of a group attend to their keys at once, so that none need be repeated."""
        heads, groups = "batch (kv_heads group) 1 d_head", "batch kv_heads group d_head"
        by_group = rearrange(q, f"{heads} -> {groups}", kv_heads=self.num_kv_heads)
        mask_of_group = None if mask is None else mask.expand(-1, -1, by_group.shape[-2], -1)
        attended = scaled_dot_product_attention(by_group, keys, values, mask_of_group)
        return rearrange(attended, f"{groups} -> {heads}")


class GroupedChunkedSelfAttention(GroupedSelfAttention, ChunkedSelfAttention):
    """The same weights and results, in memory linear in the sequence."""


class GroupedSdpaSelfAttention(GroupedSelfAttention, SdpaSelfAttention):
    """The same weights and results, computed by PyTorch."""
