"""Scaled dot-product attention in its plain form: every score and every weight is there to look at.

Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2.1.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from cs336_basics.functional.activation import softmax
from cs336_basics.functional.precision import at_least_float32


def causal_mask(seq: int, *, device: torch.device | str | None = None) -> Bool[Tensor, "seq seq"]:
    """Let each query attend to itself and to what came before: True on and below the diagonal."""
    return torch.ones(seq, seq, dtype=torch.bool, device=device).tril()


def scaled_dot_product_attention(
    q: Float[Tensor, "... queries d_head"],
    k: Float[Tensor, "... keys d_head"],
    v: Float[Tensor, "... keys d_value"],
    mask: Bool[Tensor, "... queries keys"] | None = None,
) -> Float[Tensor, "... queries d_value"]:
    """Return `softmax(q k^T / sqrt(d_head)) v`, computed in float32 or better, in the dtype of `q`.

    `mask` is True where a query may attend to a key. A forbidden key gets a weight of exactly 0, and a
    query that may attend to nothing gets a row of zeros. Under autocast both products are computed in
    autocast's type instead, and the softmax still in float32.

    Shapes: q (... queries d_head), k (... keys d_head), v (... keys d_value), mask (... queries keys)
    -> (... queries d_value)
    """
    d_head = q.shape[-1]
    queries, keys, values = at_least_float32(q), at_least_float32(k), at_least_float32(v)
    scores = queries @ keys.mT / math.sqrt(d_head)
    weights = softmax(scores, dim=-1) if mask is None else masked_softmax(scores, mask)
    attended = weights @ values
    return attended.to(q.dtype)


def masked_softmax(
    scores: Float[Tensor, "... queries keys"], mask: Bool[Tensor, "... queries keys"]
) -> Float[Tensor, "... queries keys"]:
    """Take the softmax over the keys where `mask` is True; all other weights are exactly 0.

    A forbidden score becomes minus infinity, whose exponential is 0. A query without any allowed key would
    then be `inf - inf`: it looks at all keys instead, and its weights are set to 0 afterwards.
    """
    has_a_key = mask.any(dim=-1, keepdim=True)
    allowed_scores = scores.masked_fill(~mask & has_a_key, -math.inf)
    weights = softmax(allowed_scores, dim=-1)
    return weights.masked_fill(~has_a_key, 0.0)
