"""What a forward pass of a model holds: logits, attention weights, the residual stream, losses.

The model knows nothing of this file. PyTorch's hooks, which are gone again afterwards, see what its modules
are given and what they return.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from einops import repeat
from jaxtyping import Float, Int
from torch import Tensor

from cs336_basics.functional.activation import softmax
from cs336_basics.functional.attention import causal_mask, scaled_dot_product_attention
from cs336_basics.functional.loss import token_losses
from cs336_basics.functional.precision import at_least_float32
from cs336_basics.nn.attention import MultiHeadSelfAttention
from cs336_basics.nn.rope import RopeTables
from cs336_basics.nn.transformer_lm import TransformerLM

NUM_LIKELIEST = 5


@dataclass(frozen=True, kw_only=True)
class ForwardRecord:
    """The tensors of one forward pass over one text, on the CPU, in float32 or better."""

    logits: Float[Tensor, "seq vocab"]
    """What the model says about the token after each position."""
    losses: Float[Tensor, "predicted"]
    """The loss of each token but the first, in nats: entry t is that of token t + 1."""
    likeliest_ids: Int[Tensor, "seq likeliest"]
    """The tokens that the model expects most after each position, the likeliest first."""
    likeliest_probabilities: Float[Tensor, "seq likeliest"]
    """Their probabilities."""
    attention_weights: Float[Tensor, "layers heads queries keys"]
    """How much of its attention each query gives to each key; 0 for the keys of later tokens."""
    stream_norms: Float[Tensor, "stages seq"]
    """The Euclidean norm of the residual stream: after the embedding, then after each block."""


def record_forward_pass(model: TransformerLM, ids: Int[Tensor, "seq"]) -> ForwardRecord:
    """Run `model` on the ids of one text and return what it held.

    Raises `ValueError` for no token, for more than the context length, and for logits that are not finite.
    """
    if len(ids) == 0:
        raise ValueError("a forward pass needs at least one token but the text has none; give some text")
    norms: list[Tensor] = []
    weights: list[Tensor] = []
    with torch.no_grad(), ExitStack() as hooks:
        hooks.enter_context(model.token_embeddings.register_forward_hook(keep_norm(norms)))
        for block in model.layers:
            attention = block.get_submodule("attn")
            hooks.enter_context(attention.register_forward_pre_hook(keep_weights(weights)))
            hooks.enter_context(block.register_forward_hook(keep_norm(norms)))
        logits = at_least_float32(model(ids))
    check_finite(logits)
    probabilities = softmax(logits, dim=-1)
    likeliest = probabilities.topk(min(NUM_LIKELIEST, logits.shape[-1]), dim=-1)
    return ForwardRecord(
        logits=logits.cpu(),
        losses=token_losses(logits[:-1], ids[1:]).cpu(),
        likeliest_ids=likeliest.indices.cpu(),
        likeliest_probabilities=likeliest.values.cpu(),
        attention_weights=torch.stack(weights),
        stream_norms=torch.stack(norms),
    )


def keep_norm(norms: list[Tensor]) -> Callable[..., None]:
    """Return a hook that notes how large each vector is that a module has returned."""

    def hook(module: torch.nn.Module, inputs: tuple, x: Float[Tensor, "seq d_model"]) -> None:
        norms.append(torch.linalg.vector_norm(at_least_float32(x), dim=-1).cpu())

    return hook


def keep_weights(weights: list[Tensor]) -> Callable[..., None]:
    """Return a hook that notes the weights of an attention which is about to run."""

    def hook(attention: MultiHeadSelfAttention, inputs: tuple) -> None:
        weights.append(attention_weights(attention, *inputs).cpu())

    return hook


def attention_weights(
    attention: MultiHeadSelfAttention,
    x: Float[Tensor, "... seq d_model"],
    rope_tables: RopeTables | None = None,
    token_positions: Int[Tensor, "... seq"] | None = None,
) -> Float[Tensor, "... heads seq seq"]:
    """Return the weights of the reference equation, in whichever form `attention` itself computes.

    Attention returns a mean of the values. Where the value of each key is a unit vector of its own, entry j
    of the mean is the weight of key j.
    """
    q, k, _ = attention.project(x)
    if rope_tables is not None:
        q, k = attention.rotate_heads(q, k, rope_tables, token_positions)
    group = q.shape[-3] // k.shape[-3]  # heads of queries that share one of keys
    keys = repeat(k, "... kv_heads seq d_head -> ... (kv_heads group) seq d_head", group=group)
    seq = q.shape[-2]
    unit_vectors = torch.eye(seq, dtype=q.dtype, device=q.device)
    weights = scaled_dot_product_attention(q, keys, unit_vectors, causal_mask(seq, device=q.device))
    return at_least_float32(weights)


def check_finite(logits: Float[Tensor, "seq vocab"]) -> None:
    """Raise `ValueError` where there is nothing to show."""
    if not logits.isfinite().all():
        raise ValueError(
            "logits must be finite numbers but some of this text's are not, so the model has diverged or its "
            "weights are damaged; take an earlier checkpoint"
        )
