"""From a configuration to the parts of a model: the only file that reads which variant was chosen.

A new variant is a module in a file of its own and a line here; no `forward` and no plain constructor
ever learns of it.
"""

import torch
from torch import nn

from cs336_basics.nn.attention import MultiHeadSelfAttention
from cs336_basics.nn.block import TransformerBlock
from cs336_basics.nn.chunked_attention import ChunkedSelfAttention
from cs336_basics.nn.config import AttentionForm, ModelConfig
from cs336_basics.nn.embedding import Embedding
from cs336_basics.nn.init import MATRIX_RULES
from cs336_basics.nn.linear import Linear
from cs336_basics.nn.rmsnorm import RMSNorm
from cs336_basics.nn.rope import RotaryPositions
from cs336_basics.nn.sdpa_attention import SdpaSelfAttention
from cs336_basics.nn.swiglu import SwiGLU

ATTENTION_FORMS: dict[AttentionForm, type[MultiHeadSelfAttention]] = {
    "reference": MultiHeadSelfAttention,
    "chunked": ChunkedSelfAttention,
    "sdpa": SdpaSelfAttention,
}


def build_parts(
    config: ModelConfig, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None
) -> dict[str, nn.Module]:
    """Return the children of a `TransformerLM` by name, in the order in which they draw their weights."""
    placement = {"device": device, "dtype": dtype}
    parts = {
        "positions": build_positions(config, device=device),
        "token_embeddings": Embedding(config.vocab_size, config.d_model, **placement),
        "layers": nn.ModuleList(build_block(config, **placement) for _ in range(config.num_layers)),
        "ln_final": build_norm(config, **placement),
        "lm_head": Linear(config.d_model, config.vocab_size, **placement),
    }
    initialize_matrices(parts.values(), config)
    return parts


def build_positions(config: ModelConfig, *, device: torch.device | str | None) -> nn.Module:
    """Return what tells the blocks about positions."""
    return RotaryPositions(config.d_head, config.context_length, config.rope_theta, device=device)


def build_block(config: ModelConfig, **placement) -> nn.Module:
    """Return one block."""
    return TransformerBlock.from_parts(
        ln1=build_norm(config, **placement),
        attn=build_attention(config, **placement),
        ln2=build_norm(config, **placement),
        ffn=build_feed_forward(config, **placement),
    )


def build_norm(config: ModelConfig, **placement) -> nn.Module:
    """Return one norm."""
    return RMSNorm(config.d_model, **placement)


def build_attention(config: ModelConfig, **placement) -> nn.Module:
    """Return the attention of one block."""
    form = ATTENTION_FORMS[config.attention]
    return form(config.d_model, config.num_heads, **placement)


def build_feed_forward(config: ModelConfig, **placement) -> nn.Module:
    """Return the feed-forward network of one block."""
    return SwiGLU(config.d_model, config.feed_forward_size, **placement)


def initialize_matrices(parts, config: ModelConfig) -> None:
    """Draw the weights of all linear layers by the rule chosen; they already have those of the default."""
    if config.init == "trunc_normal":
        return
    rule = MATRIX_RULES[config.init]
    for part in parts:
        for module in part.modules():
            if isinstance(module, Linear):
                rule(module.weight)
