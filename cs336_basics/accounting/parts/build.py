"""From a configuration to the costs of its parts: what `nn.build` is for the modules, name by name.

A new variant of the model is a class in this folder and a line here.
"""

from typing import Literal

from cs336_basics.accounting.parts.attention import AttentionCost, ChunkedAttentionCost, SdpaAttentionCost
from cs336_basics.accounting.parts.embedding import EmbeddingCost
from cs336_basics.accounting.parts.feed_forward import SwiGLUCost
from cs336_basics.accounting.parts.head import HeadCost, PlainHeadCost
from cs336_basics.accounting.parts.loss import ChunkedLossCost, PlainLossCost
from cs336_basics.accounting.parts.norm import RMSNormCost
from cs336_basics.accounting.parts.part import Part
from cs336_basics.nn.config import AttentionForm, ModelConfig

LossForm = Literal["plain", "chunked"]

ATTENTION_FORMS: dict[AttentionForm, type[AttentionCost]] = {
    "reference": AttentionCost,
    "chunked": ChunkedAttentionCost,
    "sdpa": SdpaAttentionCost,
}
COUNTED_CHOICES = {
    "norm": "pre",
    "position": "rope",
    "ffn": "swiglu",
    "qk_norm": False,
    "tie_embeddings": False,
    "logit_softcap": None,
}
LOSS_FORMS: dict[LossForm, tuple[type[HeadCost], type[PlainLossCost]]] = {
    "plain": (PlainHeadCost, PlainLossCost),
    "chunked": (HeadCost, ChunkedLossCost),
}


def build_parts(config: ModelConfig, *, loss: LossForm = "chunked") -> dict[str, Part]:
    """Return all parts by the names that the model has for them, in the order of a forward pass.

    The last one is the loss, which belongs to a training step and not to the model.
    """
    if loss not in LOSS_FORMS:
        raise ValueError(f"loss must be one of {', '.join(LOSS_FORMS)} but is {loss!r}")
    require_counted_choices(config)
    head, loss_after_head = LOSS_FORMS[loss]
    blocks = {
        f"layers.{layer}.{name}": part
        for layer in range(config.num_layers)
        for name, part in build_block(config).items()
    }
    return {
        "token_embeddings": EmbeddingCost(config.vocab_size, config.d_model),
        **blocks,
        "ln_final": build_norm(config),
        "lm_head": head(config.d_model, config.vocab_size),
        "loss": loss_after_head(config.d_model, config.vocab_size),
    }


def require_counted_choices(config: ModelConfig) -> None:
    """Raise `ValueError` for a choice whose cost nobody has counted yet, rather than count another one's."""
    for name, counted in COUNTED_CHOICES.items():
        if getattr(config, name) != counted:
            raise ValueError(
                f"costs are known of models with {name} = {counted!r} but here it is "
                f"{getattr(config, name)!r}; leave it at {counted!r}"
            )


def build_block(config: ModelConfig) -> dict[str, Part]:
    """Return the parts of one block."""
    return {
        "ln1": build_norm(config),
        "attn": build_attention(config),
        "ln2": build_norm(config),
        "ffn": SwiGLUCost(config.d_model, config.feed_forward_size),
    }


def build_attention(config: ModelConfig) -> Part:
    """Return the attention of one block."""
    form = ATTENTION_FORMS[config.attention]
    return form(config.d_model, config.num_heads, config.key_value_heads, config.head_size)


def build_norm(config: ModelConfig) -> Part:
    """Return one norm."""
    return RMSNormCost(config.d_model)


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
