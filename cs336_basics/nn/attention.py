"""Causal multi-head self-attention (Vaswani et al. 2017, section 3.2.2)."""

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from cs336_basics.functional.attention import causal_mask, scaled_dot_product_attention
from cs336_basics.functional.rope import check_positions, rope
from cs336_basics.nn.decoding_step import DecodingStep
from cs336_basics.nn.kv_cache import LayerCache
from cs336_basics.nn.linear import Linear
from cs336_basics.nn.rope import RopeTables


class MultiHeadSelfAttention(nn.Module):
    """Each position looks, in `num_heads` ways at once, at itself and at the positions before it.

    With queries, keys and values of each head, `q, k, v = W_q x, W_k x, W_v x`, of which `rope_tables` rotate
    the first two by their positions::

        head = softmax(q k^T / sqrt(d_head) + causal mask) v
        output = W_o concatenated(heads)

    The rows of `q_proj`, `k_proj` and `v_proj` are grouped by head: head h owns the rows from
    `h * d_head` to `(h + 1) * d_head`, with `d_head = d_model / num_heads`.

    Shapes: x (... seq d_model), rope_tables (max_seq_len pairs) and (max_seq_len pairs),
    token_positions (... seq) -> (... seq d_model)
    """

    rotate = staticmethod(rope)  # variants have a quicker way

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if num_heads < 1 or d_model % num_heads != 0:
            raise ValueError(
                f"d_model must be a multiple of num_heads but {d_model} is not a multiple of {num_heads}; "
                "change one of the two"
            )
        self.num_heads = num_heads
        self.num_kv_heads = num_heads  # fewer in `GroupedSelfAttention`
        self.q_proj = Linear(d_model, d_model, device=device, dtype=dtype)
        self.k_proj = Linear(d_model, d_model, device=device, dtype=dtype)
        self.v_proj = Linear(d_model, d_model, device=device, dtype=dtype)
        self.output_proj = Linear(d_model, d_model, device=device, dtype=dtype)

    def forward(
        self,
        x: Float[Tensor, "... seq d_model"],
        rope_tables: RopeTables | None = None,
        token_positions: Int[Tensor, "... seq"] | None = None,
    ) -> Float[Tensor, "... seq d_model"]:
        """Attend; with `rope_tables`, rotate queries and keys by their positions (0, 1, ... by default)."""
        q, k, v = self.project(x)
        if rope_tables is not None:
            q, k = self.rotate_heads(q, k, rope_tables, token_positions)
        attended = self.attend(q, k, v)
        concatenated = rearrange(attended, "... heads seq d_head -> ... seq (heads d_head)")
        return self.output_proj(concatenated)

    def project(
        self, x: Float[Tensor, "... seq d_model"]
    ) -> tuple[
        Float[Tensor, "... heads seq d_head"],
        Float[Tensor, "... kv_heads seq d_head"],
        Float[Tensor, "... kv_heads seq d_head"],
    ]:
        """Return queries, keys and values, each split into heads."""
        q = split_heads(self.q_proj(x), self.num_heads)
        k = split_heads(self.k_proj(x), self.num_kv_heads)
        v = split_heads(self.v_proj(x), self.num_kv_heads)
        return q, k, v

    def rotate_heads(
        self,
        q: Float[Tensor, "... heads seq d_head"],
        k: Float[Tensor, "... kv_heads seq d_head"],
        rope_tables: RopeTables,
        token_positions: Int[Tensor, "... seq"] | None,
    ) -> tuple[Float[Tensor, "... heads seq d_head"], Float[Tensor, "... kv_heads seq d_head"]]:
        """Rotate the queries and keys of all heads alike, by the positions given or 0, 1, ..., seq - 1."""
        cos, sin = rope_tables
        if token_positions is None:
            token_positions = torch.arange(q.shape[-2], device=q.device)
        else:
            check_positions(token_positions, len(cos))
        positions = rearrange(token_positions, "... seq -> ... 1 seq")
        return self.rotate(q, cos, sin, positions), self.rotate(k, cos, sin, positions)

    def attend(
        self,
        q: Float[Tensor, "... heads seq d_head"],
        k: Float[Tensor, "... heads seq d_head"],
        v: Float[Tensor, "... heads seq d_head"],
    ) -> Float[Tensor, "... heads seq d_head"]:
        """Let each position take from the values of those that it may look at; variants have other ways."""
        mask = causal_mask(q.shape[-2], device=q.device)
        return scaled_dot_product_attention(q, k, v, mask)

    def prefill(
        self,
        x: Float[Tensor, "batch seq d_model"],
        rope_tables: RopeTables | None,
        layer_cache: LayerCache,
    ) -> Float[Tensor, "batch seq d_model"]:
        """Do what `forward` does at the positions 0, 1, ..., and leave the keys and values in the cache."""
        q, k, v = self.project(x)
        if rope_tables is not None:
            q, k = self.rotate_heads(q, k, rope_tables, None)
        layer_cache.fill(k, v)
        attended = self.attend(q, k, v)
        concatenated = rearrange(attended, "batch heads seq d_head -> batch seq (heads d_head)")
        return self.output_proj(concatenated)

    def decode(
        self, x: Float[Tensor, "batch 1 d_model"], step: DecodingStep, layer_cache: LayerCache
    ) -> Float[Tensor, "batch 1 d_model"]:
        """Do what `forward` does for one new position of each row, with the earlier ones from the cache."""
        q, k, v = self.project(x)
        q, k = step.rotate(q), step.rotate(k)
        keys, values = layer_cache.append(k, v, step)
        attended = self.attend_to_cache(q, keys, values, step.mask)
        concatenated = rearrange(attended, "batch heads 1 d_head -> batch 1 (heads d_head)")
        return self.output_proj(concatenated)

    def attend_to_cache(
        self,
        q: Float[Tensor, "batch heads 1 d_head"],
        keys: Float[Tensor, "batch heads keys d_head"],
        values: Float[Tensor, "batch heads keys d_head"],
        mask: Bool[Tensor, "batch 1 1 keys"] | None,
    ) -> Float[Tensor, "batch heads 1 d_head"]:
        """Let the new position of each row take from what the cache holds of it."""
        return scaled_dot_product_attention(q, keys, values, mask)


def split_heads(x: Float[Tensor, "... seq features"], heads: int) -> Float[Tensor, "... heads seq d_head"]:
    """Give each head its `d_head` features, which lie side by side."""
    return rearrange(x, "... seq (heads d_head) -> ... heads seq d_head", heads=heads)
