"""Causal attention in memory linear in the sequence: scores exist for one chunk of it at a time.

The forward pass is the online softmax: while the keys go by chunk by chunk, the largest score and the sum of
exponentials so far are kept, and what was summed before is rescaled when a larger score appears. The
backward pass makes the weights of each chunk again from its scores and the logarithm of their normalizer.

Sources: Milakov and Gimelshein 2018, arXiv:1805.02867 (online softmax); Dao et al. 2022, "FlashAttention",
arXiv:2205.14135, algorithms 1 and 4. The plain form, and the definition, is `attention.py`.
"""

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from cs336_basics.functional.precision import at_least_float32, product_dtype, wide_dtype

QUERY_CHUNK, KEY_CHUNK = 64, 512


def chunked_causal_attention(
    q: Float[Tensor, "*batch seq d_head"],
    k: Float[Tensor, "*batch seq d_head"],
    v: Float[Tensor, "*batch seq d_head"],
) -> Float[Tensor, "*batch seq d_head"]:
    """Return `scaled_dot_product_attention(q, k, v, causal_mask(seq))`, in the dtype of `q`.

    That is `softmax(q k^T / sqrt(d_head)) v` over the keys up to each query. Products are computed in
    autocast's type where it is switched on; everything else, and everything without autocast, in float32 or
    better. Differentiable once: a second derivative (`create_graph=True`) gets nothing from here.

    Shapes: q (*batch seq d_head), k (*batch seq d_head), v (*batch seq d_head) -> (*batch seq d_head)
    """
    if not q.shape == k.shape == v.shape:
        raise ValueError(
            f"queries, keys and values must have one shape but have {tuple(q.shape)}, {tuple(k.shape)} and "
            f"{tuple(v.shape)}; for others take scaled_dot_product_attention"
        )
    flat_q, flat_k, flat_v = (x.reshape(-1, *x.shape[-2:]) for x in (q, k, v))
    attended = ChunkedCausalAttention.apply(flat_q, flat_k, flat_v, product_dtype(q))
    return attended.view(q.shape).to(q.dtype)


class ChunkedCausalAttention(torch.autograd.Function):
    """The two algorithms, for tensors of shape (batch, seq, d_head), with products of one type.

    With `S = q k^T / sqrt(d_head)` (causal), `L = log sum_j exp(S_j)` and `P = exp(S - L) = softmax(S)`, the
    output is `O = P v`. From its gradient dO follow::

        dv = P^T dO
        dP = dO v^T
        dS = P * (dP - D)        with D = sum_j P_j dP_j = sum over features of dO * O, for each query
        dq = dS k / sqrt(d_head)
        dk = dS^T q / sqrt(d_head)

    L is `log_normalizers` and D `weighted_mean`: the mean of dP weighted by P. From these two and a chunk of
    S all else can be made again, so neither S nor P is kept.
    """

    @staticmethod
    def forward(ctx, q_given, k_given, v_given, dtype):  # noqa: D102
        q, k, v = (x.to(dtype) for x in (q_given, k_given, v_given))
        attended = torch.empty_like(q)
        log_normalizers = torch.empty_like(q[..., :1], dtype=wide_dtype(q))
        for queries in chunks(q.shape[1], QUERY_CHUNK):
            attended[:, queries], log_normalizers[:, queries] = attend_chunk(q, k, v, queries)
        ctx.save_for_backward(q, k, v, attended, log_normalizers)
        return attended

    @staticmethod
    @once_differentiable
    def backward(ctx, attended_gradient):  # noqa: D102
        q, k, v, attended, log_normalizers = ctx.saved_tensors
        scale = 1 / math.sqrt(q.shape[-1])
        # One product for each chunk of queries is added: in a narrow type each addition would lose something.
        q_gradient = torch.empty_like(q, dtype=wide_dtype(q))
        k_gradient, v_gradient = (torch.zeros_like(x, dtype=wide_dtype(x)) for x in (k, v))
        weighted_mean = (at_least_float32(attended_gradient) * attended).sum(dim=-1, keepdim=True)
        for queries in chunks(q.shape[1], QUERY_CHUNK):
            chunk_gradient = attended_gradient[:, queries]
            # Compilers make more of it than of slices.
            chunk_q_gradient = torch.zeros_like(q[:, queries], dtype=wide_dtype(q))
            for keys in chunks(queries.stop, KEY_CHUNK):
                scores = causal_scores(q, k, queries, keys)
                weights = scores.sub_(log_normalizers[:, queries]).exp_()
                v_gradient[:, keys] += weights.to(q.dtype).mT @ chunk_gradient
                weights_gradient = at_least_float32(chunk_gradient @ v[:, keys].mT)
                scores_gradient = weights_gradient.sub_(weighted_mean[:, queries]).mul_(weights)
                scores_gradient = scores_gradient.to(q.dtype)
                chunk_q_gradient += scaled_product(scale, scores_gradient, k[:, keys])
                k_gradient[:, keys] += scaled_product(scale, scores_gradient.mT, q[:, queries])
                del scores, weights, weights_gradient, scores_gradient  # before the next come
            q_gradient[:, queries] = chunk_q_gradient
        return q_gradient, k_gradient, v_gradient, None  # autograd rounds them to the types of the inputs


def attend_chunk(
    q: Float[Tensor, "batch seq d_head"],
    k: Float[Tensor, "batch seq d_head"],
    v: Float[Tensor, "batch seq d_head"],
    queries: slice,
) -> tuple[Float[Tensor, "batch queries d_head"], Float[Tensor, "batch queries 1"]]:
    """Return what some queries attend to, and the logarithm of the sum of their exponentials."""
    weighted_sum = torch.zeros_like(q[:, queries], dtype=wide_dtype(q))
    normalizer = torch.zeros_like(weighted_sum[..., :1])
    largest = torch.full_like(normalizer, -math.inf)
    for keys in chunks(queries.stop, KEY_CHUNK):
        scores = causal_scores(q, k, queries, keys)
        new_largest = torch.maximum(largest, scores.amax(dim=-1, keepdim=True))
        exponentials = scores.sub_(new_largest).exp_()
        rescale = torch.exp(largest - new_largest)
        normalizer = normalizer * rescale + exponentials.sum(dim=-1, keepdim=True)
        weighted_sum = weighted_sum * rescale + exponentials.to(v.dtype) @ v[:, keys]
        largest = new_largest
    return weighted_sum / normalizer, largest + torch.log(normalizer)


def causal_scores(
    q: Float[Tensor, "batch seq d_head"], k: Float[Tensor, "batch seq d_head"], queries: slice, keys: slice
) -> Float[Tensor, "batch queries keys"]:
    """Return `q k^T / sqrt(d_head)` of a chunk, minus infinity where a key comes after its query."""
    scale = 1 / math.sqrt(q.shape[-1])
    scores = at_least_float32(scaled_product(scale, q[:, queries], k[:, keys].mT))
    if keys.stop - 1 > queries.start:
        seen_by_all = max(0, queries.start - keys.start)  # keys before the first query
        query_positions = torch.arange(queries.start, queries.stop, device=q.device)
        key_positions = torch.arange(keys.start + seen_by_all, keys.stop, device=q.device)
        scores[..., seen_by_all:].masked_fill_(key_positions > query_positions.unsqueeze(-1), -math.inf)
    return scores


def scaled_product(
    scale: float, left: Float[Tensor, "batch m k"], right: Float[Tensor, "batch k n"]
) -> Float[Tensor, "batch m n"]:
    """Return `scale * left @ right`, scaled while it is summed, before a narrow type rounds it."""
    nothing = left.new_zeros((1, 1, 1))  # takes part with the factor 0
    return torch.baddbmm(nothing, left, right, beta=0, alpha=scale)


def chunks(length: int, size: int) -> Iterator[slice]:
    """Cut 0..length into slices: chunks(5, 2) -> 0:2, 2:4, 4:5."""
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))
