"""From a configuration to the costs of its parts: what `nn.build` is for the modules, name by name.

A new variant of the model is a class in this folder and a line here.
"""

from dataclasses import dataclass
from typing import Literal

from cs336_basics.accounting.parts.attention import (
    AttentionCost,
    ChunkedAttentionCost,
    SdpaAttentionCost,
)
from cs336_basics.accounting.parts.embedding import EmbeddingCost
from cs336_basics.accounting.parts.feed_forward import SwiGLUCost
from cs336_basics.accounting.parts.head import HeadCost, PlainHeadCost
from cs336_basics.accounting.parts.loss import ChunkedLossCost, PlainLossCost, SoftcappedChunkedLossCost
from cs336_basics.accounting.parts.norm import NoNormCost, RMSNormCost
from cs336_basics.accounting.parts.normalized_attention import NormalizedAttentionCost
from cs336_basics.accounting.parts.part import Part
from cs336_basics.accounting.parts.rotated_attention import RotatedAttentionCost
from cs336_basics.accounting.parts.softcapped_head import SoftcappedHeadCost, SoftcappedPlainHeadCost
from cs336_basics.accounting.parts.tied_head import TiedHeadCost, TiedPlainEmbeddingCost
from cs336_basics.accounting.parts.two_matrices import ReluSquaredFeedForwardCost, SiluFeedForwardCost
from cs336_basics.nn.config import AttentionForm, FeedForwardForm, ModelConfig, NormPlace

LossForm = Literal["plain", "chunked"]

ATTENTION_FORMS: dict[AttentionForm, type[AttentionCost]] = {
    "reference": AttentionCost,
    "chunked": ChunkedAttentionCost,
    "sdpa": SdpaAttentionCost,
}
FEED_FORWARD_FORMS: dict[FeedForwardForm, type[SwiGLUCost | SiluFeedForwardCost]] = {
    "swiglu": SwiGLUCost,
    "silu": SiluFeedForwardCost,
    "relu2": ReluSquaredFeedForwardCost,
}
ORDER_IN_A_BLOCK: dict[NormPlace, tuple[str, ...]] = {
    "pre": ("ln1", "attn", "ln2", "ffn"),
    "post": ("attn", "ln1", "ffn", "ln2"),
    "none": ("ln1", "attn", "ln2", "ffn"),
}


@dataclass(frozen=True, kw_only=True)
class LossParts:
    """The parts of which one form of the loss makes use."""

    tied_embedding: type[EmbeddingCost]
    head: type[HeadCost]
    softcapped_head: type[SoftcappedHeadCost]
    loss: type[PlainLossCost]
    softcapped_loss: type[PlainLossCost]


LOSS_FORMS: dict[LossForm, LossParts] = {
    "plain": LossParts(
        tied_embedding=TiedPlainEmbeddingCost,
        head=PlainHeadCost,
        softcapped_head=SoftcappedPlainHeadCost,
        loss=PlainLossCost,
        softcapped_loss=PlainLossCost,
    ),
    "chunked": LossParts(
        tied_embedding=EmbeddingCost,
        head=HeadCost,
        softcapped_head=SoftcappedHeadCost,
        loss=ChunkedLossCost,
        softcapped_loss=SoftcappedChunkedLossCost,
    ),
}


def build_parts(config: ModelConfig, *, loss: LossForm = "chunked") -> dict[str, Part]:
    """Return all parts by the names that the model has for them, in the order of a forward pass.

    The last one is the loss, which belongs to a training step and not to the model.
    """
    if loss not in LOSS_FORMS:
        raise ValueError(f"loss must be one of {', '.join(LOSS_FORMS)} but is {loss!r}")
    blocks = {
        f"layers.{layer}.{name}": part
        for layer in range(config.num_layers)
        for name, part in build_block(config).items()
    }
    return {
        "token_embeddings": build_embedding(config, LOSS_FORMS[loss]),
        **blocks,
        "ln_final": build_norm(config),
        "lm_head": build_head(config, LOSS_FORMS[loss]),
        "loss": build_loss(config, LOSS_FORMS[loss]),
    }


def build_embedding(config: ModelConfig, forms: LossParts) -> Part:
    """Return the embedding."""
    form = forms.tied_embedding if config.tie_embeddings else EmbeddingCost
    return form(config.vocab_size, config.d_model)


def build_block(config: ModelConfig) -> dict[str, Part]:
    """Return the parts of one block."""
    parts = {
        "ln1": build_norm(config),
        "attn": build_attention(config),
        "ln2": build_norm(config),
        "ffn": FEED_FORWARD_FORMS[config.ffn](config.d_model, config.feed_forward_size),
    }
    return {name: parts[name] for name in ORDER_IN_A_BLOCK[config.norm]}


def build_norm(config: ModelConfig) -> Part:
    """Return one norm of the residual stream."""
    return NoNormCost() if config.norm == "none" else RMSNormCost(config.d_model)


def build_attention(config: ModelConfig) -> Part:
    """Return the attention of one block."""
    form = ATTENTION_FORMS[config.attention]
    heads = (config.num_heads, config.key_value_heads, config.head_size)
    attention: Part = form(config.d_model, *heads)
    if config.qk_norm:
        attention = NormalizedAttentionCost(attention, *heads)
    return attention if config.position == "none" else RotatedAttentionCost(attention, config.head_size)


def build_head(config: ModelConfig, forms: LossParts) -> Part:
    """Return what reads the logits."""
    head: Part = forms.head(config.d_model, config.vocab_size)
    if config.tie_embeddings:
        head = TiedHeadCost(head, config.d_model, config.vocab_size)
    return head if config.logit_softcap is None else forms.softcapped_head(head, config.vocab_size)


def build_loss(config: ModelConfig, forms: LossParts) -> Part:
    """Return the cross-entropy."""
    form = forms.loss if config.logit_softcap is None else forms.softcapped_loss
    return form(config.d_model, config.vocab_size)


def segments(parts: dict[str, Part]) -> list[dict[str, Part]]:
    """Group the parts into what activation checkpointing takes as one: a block, or a part outside."""
    grouped: dict[str, dict[str, Part]] = {}
    for name, part in parts.items():
        key = ".".join(name.split(".")[:2]) if is_in_a_block(name) else name
        grouped.setdefault(key, {})[name] = part
    return list(grouped.values())


def is_in_a_block(name: str) -> bool:
    """Say whether the part is repeated in each layer."""
    return name.startswith("layers.")


def folded(name: str) -> str:
    """Return one name for equal parts of all layers: `layers.3.attn` gives `layers.*.attn`."""
    first, _, rest = name.partition(".")
    return f"{first}.*.{rest.partition('.')[2]}" if is_in_a_block(name) else name
