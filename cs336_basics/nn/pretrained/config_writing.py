"""A `ModelConfig` as the `config.json` of Hugging Face's Llama, or a refusal that names what Llama lacks."""

from typing import Any

from cs336_basics.nn.config import ModelConfig

LLAMA_CHOICES = {"norm": "pre", "position": "rope", "ffn": "swiglu", "qk_norm": False, "logit_softcap": None}
"""What a model must have to be a Llama. Other choices say how it is computed, or were for its training."""


def require_llama(config: ModelConfig) -> None:
    """Raise `ValueError` for a choice that Llama lacks."""
    for name, expected in LLAMA_CHOICES.items():
        found = getattr(config, name)
        if found != expected:
            raise ValueError(
                f"Hugging Face's Llama has {name} = {expected!r} but this model has {found!r}; "
                "only a model that was trained with the former can be exported"
            )
    if config.d_model % config.num_heads != 0:
        raise ValueError(
            f"Hugging Face's Llama wants d_model to be a multiple of num_heads but {config.d_model} is not a "
            f"multiple of {config.num_heads}; only a model with such sizes can be exported"
        )


def llama_config(config: ModelConfig) -> dict[str, Any]:
    """Return the part of a `config.json` that is about the model, without its tokenizer.

    Positions are told in the older of the two spellings, which every version and other programs read.
    """
    require_llama(config)
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocab_size,
        "hidden_size": config.d_model,
        "intermediate_size": config.feed_forward_size,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "num_key_value_heads": config.key_value_heads,
        "head_dim": config.head_size,
        "max_position_embeddings": config.context_length,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": config.rope_theta,
        "rope_scaling": rope_scaling(config),
        "tie_word_embeddings": config.tie_embeddings,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0.0,
        "torch_dtype": "float32",
        "use_cache": True,
    }


def rope_scaling(config: ModelConfig) -> dict[str, Any] | None:
    """Return how frequencies are scaled, or None where they are not."""
    if config.rope_scaling == "none":
        return None
    return {
        "rope_type": config.rope_scaling,
        "factor": config.rope_factor,
        "low_freq_factor": config.rope_slow_turns,
        "high_freq_factor": config.rope_fast_turns,
        "original_max_position_embeddings": config.rope_original_context,
    }
