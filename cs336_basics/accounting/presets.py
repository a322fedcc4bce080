"""Models whose cost one likes to know, by name. Their parts are those that `cs336 train` uses."""

from dataclasses import replace
from typing import Literal

from cs336_basics.nn.config import ModelConfig

ModelName = Literal[
    "gpt2-small",
    "gpt2-small-wide",
    "gpt2-medium",
    "gpt2-medium-wide",
    "gpt2-large",
    "gpt2-large-wide",
    "gpt2-xl",
    "gpt2-xl-wide",
    "gpt2-xl-16k",
    "gpt2-xl-wide-16k",
    "tinystories",
    "owt",
]


def gpt2(*, num_layers: int, d_model: int, num_heads: int) -> ModelConfig:
    """Return a model of GPT-2's size (Radford et al. 2019) with the parts of this package.

    `d_ff` is about 8/3 d_model, as the course has it since 2026. `wide` is its older shape: 4 d_model, as in
    GPT-2, though SwiGLU has three matrices where GPT-2 has two.
    """
    return ModelConfig(
        vocab_size=50_257,
        context_length=1024,
        num_layers=num_layers,
        d_model=d_model,
        num_heads=num_heads,
        attention="chunked",
    )


def wide(config: ModelConfig) -> ModelConfig:
    """Return the same model with a feed-forward network four times as wide as the residual stream."""
    return replace(config, d_ff=4 * config.d_model)


def with_context(config: ModelConfig, context_length: int) -> ModelConfig:
    """Return the same model for longer sequences."""
    return replace(config, context_length=context_length)


_SMALL = gpt2(num_layers=12, d_model=768, num_heads=12)
_MEDIUM = gpt2(num_layers=24, d_model=1024, num_heads=16)
_LARGE = gpt2(num_layers=36, d_model=1280, num_heads=20)
_XL = gpt2(num_layers=48, d_model=1600, num_heads=25)
_TINYSTORIES = ModelConfig(
    vocab_size=10_000,
    context_length=256,
    d_model=512,
    d_ff=1344,
    num_layers=4,
    num_heads=16,
    attention="chunked",
)

MODELS: dict[ModelName, ModelConfig] = {
    "gpt2-small": _SMALL,
    "gpt2-small-wide": wide(_SMALL),
    "gpt2-medium": _MEDIUM,
    "gpt2-medium-wide": wide(_MEDIUM),
    "gpt2-large": _LARGE,
    "gpt2-large-wide": wide(_LARGE),
    "gpt2-xl": _XL,
    "gpt2-xl-wide": wide(_XL),
    "gpt2-xl-16k": with_context(_XL, 16_384),
    "gpt2-xl-wide-16k": with_context(wide(_XL), 16_384),
    "tinystories": _TINYSTORIES,
    "owt": replace(_TINYSTORIES, vocab_size=32_000),
}
