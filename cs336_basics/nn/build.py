"""From a configuration to the parts of a model: the only file that builds the chosen variant.

A new variant is a module in a file of its own and a line here; no `forward` and no plain constructor
ever learns of it.
"""

import torch
from torch import nn

from cs336_basics.functional.activation import relu_squared, silu
from cs336_basics.nn.attention import MultiHeadSelfAttention
from cs336_basics.nn.block import TransformerBlock
from cs336_basics.nn.chunked_attention import ChunkedSelfAttention
from cs336_basics.nn.config import AttentionForm, ModelConfig, NormPlace
from cs336_basics.nn.embedding import Embedding
from cs336_basics.nn.feed_forward import FeedForward
from cs336_basics.nn.grouped_attention import (
    GroupedChunkedSelfAttention,
    GroupedSdpaSelfAttention,
    GroupedSelfAttention,
)
from cs336_basics.nn.init import MATRIX_RULES
from cs336_basics.nn.linear import Linear
from cs336_basics.nn.no_norm import NoNorm
from cs336_basics.nn.no_positions import NoPositions
from cs336_basics.nn.normalized_projection import NormalizedProjection
from cs336_basics.nn.post_norm_block import PostNormBlock
from cs336_basics.nn.rmsnorm import RMSNorm
from cs336_basics.nn.rope import RotaryPositions
from cs336_basics.nn.scaled_rope import ScaledRotaryPositions
from cs336_basics.nn.sdpa_attention import SdpaSelfAttention
from cs336_basics.nn.softcapped_head import SoftcappedHead
from cs336_basics.nn.swiglu import SwiGLU
from cs336_basics.nn.tied_head import TiedHead

ATTENTION_FORMS: dict[AttentionForm, type[MultiHeadSelfAttention]] = {
    "reference": MultiHeadSelfAttention,
    "chunked": ChunkedSelfAttention,
    "sdpa": SdpaSelfAttention,
}
GROUPED_ATTENTION_FORMS: dict[AttentionForm, type[GroupedSelfAttention]] = {
    "reference": GroupedSelfAttention,
    "chunked": GroupedChunkedSelfAttention,
    "sdpa": GroupedSdpaSelfAttention,
}
BLOCKS: dict[NormPlace, type[TransformerBlock]] = {
    "pre": TransformerBlock,
    "post": PostNormBlock,
    "none": TransformerBlock,
}
TWO_MATRIX_ACTIVATIONS = {"silu": silu, "relu2": relu_squared}


def build_parts(
    config: ModelConfig, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None
) -> dict[str, nn.Module]:
    """Return the children of a `TransformerLM` by name, in the order in which they draw their weights."""
    placement = {"device": device, "dtype": dtype}
    embedding = Embedding(config.vocab_size, config.d_model, **placement)
    parts = {
        "positions": build_positions(config, device=device),
        "token_embeddings": embedding,
        "layers": nn.ModuleList(build_block(config, **placement) for _ in range(config.num_layers)),
        "ln_final": build_norm(config, **placement),
        "lm_head": build_head(config, embedding, **placement),
    }
    initialize(parts, config)
    return parts


def build_positions(config: ModelConfig, *, device: torch.device | str | None) -> nn.Module:
    """Return what tells the blocks about positions."""
    if config.position == "none":
        return NoPositions()
    sizes = (config.head_size, config.context_length, config.rope_theta)
    if config.rope_scaling == "none":
        return RotaryPositions(*sizes, device=device)
    return ScaledRotaryPositions(
        *sizes,
        factor=config.rope_factor,
        slow_turns=config.rope_slow_turns,
        fast_turns=config.rope_fast_turns,
        original_context=config.rope_original_context,
        device=device,
    )


def build_block(config: ModelConfig, **placement) -> nn.Module:
    """Return one block."""
    return BLOCKS[config.norm].from_parts(
        ln1=build_norm(config, **placement),
        attn=build_attention(config, **placement),
        ln2=build_norm(config, **placement),
        ffn=build_feed_forward(config, **placement),
    )


def build_norm(config: ModelConfig, **placement) -> nn.Module:
    """Return one norm of the residual stream."""
    return NoNorm() if config.norm == "none" else RMSNorm(config.d_model, config.norm_eps, **placement)


def build_attention(config: ModelConfig, **placement) -> nn.Module:
    """Return the attention of one block."""
    attention = build_heads(config, **placement)
    if config.qk_norm:
        for name in ("q_proj", "k_proj"):
            norm = RMSNorm(config.head_size, config.norm_eps, **placement)
            attention.add_module(name, NormalizedProjection(attention.get_submodule(name), norm))
    return attention


def build_heads(config: ModelConfig, **placement) -> MultiHeadSelfAttention:
    """Return the attention of one block as far as its heads go."""
    if config.has_plain_heads:
        return ATTENTION_FORMS[config.attention](config.d_model, config.num_heads, **placement)
    form = GROUPED_ATTENTION_FORMS[config.attention]
    return form(config.d_model, config.num_heads, config.key_value_heads, config.head_size, **placement)


def build_feed_forward(config: ModelConfig, **placement) -> nn.Module:
    """Return the feed-forward network of one block."""
    if config.ffn == "swiglu":
        return SwiGLU(config.d_model, config.feed_forward_size, **placement)
    activation = TWO_MATRIX_ACTIVATIONS[config.ffn]
    return FeedForward(config.d_model, config.feed_forward_size, activation, **placement)


def build_head(config: ModelConfig, embedding: Embedding, **placement) -> nn.Module:
    """Return what reads the logits from the end of the residual stream."""
    if config.tie_embeddings:
        head = TiedHead(embedding)
    else:
        head = Linear(config.d_model, config.vocab_size, **placement)
    return head if config.logit_softcap is None else SoftcappedHead(head, config.logit_softcap)


def initialize(parts: dict[str, nn.Module], config: ModelConfig) -> None:
    """Draw the weights by the rules chosen; every part already has those of the default."""
    rule = MATRIX_RULES[config.init]
    if config.tie_embeddings:
        rule(parts["token_embeddings"].get_parameter("weight"))
    if config.init != "trunc_normal":
        for part in parts.values():
            for module in part.modules():
                if isinstance(module, Linear):
                    rule(module.weight)
    if config.zero_init_outputs:
        for name, weight in parts["layers"].named_parameters():
            if name.endswith(("attn.output_proj.weight", "ffn.w2.weight")):
                MATRIX_RULES["zeros"](weight)
