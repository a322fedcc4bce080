"""A `config.json` of Hugging Face's Llama as a `ModelConfig`, or a refusal that names what does not fit.

Nothing is ignored in silence: a key is translated, or must have the value with which it means what our parts
compute, or is known to change no logits. Any other key that is set is refused.
"""

import reprlib
from pathlib import Path
from typing import Any

from cs336_basics.files.json_file import read_json
from cs336_basics.nn.config import AttentionForm, ModelConfig
from cs336_basics.nn.pretrained.config_values import (
    CONFIG_FILE,
    positive_integer,
    positive_number,
    truth_value,
    unsupported,
)
from cs336_basics.nn.pretrained.rope_reading import rope_fields

NEEDED = {"model_type": "llama"}
"""Keys that must be there, with the value that they must have."""
REQUIRED_WHERE_SET = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "attention_dropout": 0,
    "sliding_window": None,
    "use_sliding_window": False,
    "quantization_config": None,
    "partial_rotary_factor": 1,
    "rope_interleaved": False,
    "is_encoder_decoder": False,
    "is_decoder": False,
    "add_cross_attention": False,
}
"""Keys that may be missing or null, and else must have this value."""
TRANSLATED = {
    "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
    "num_key_value_heads", "head_dim", "max_position_embeddings", "rms_norm_eps", "tie_word_embeddings",
    "rope_theta", "rope_scaling", "rope_parameters",
}  # fmt: skip
WITHOUT_EFFECT = {
    "_name_or_path", "_commit_hash", "transformers_version", "torch_dtype", "dtype", "tokenizer_class",
    "is_llama_config", "_attn_implementation", "_attn_implementation_autoset", "transformers.js_config",
    "bos_token_id", "eos_token_id", "pad_token_id", "use_cache", "do_sample", "temperature", "top_k",
    "top_p", "max_length", "min_length", "max_new_tokens", "num_beams", "repetition_penalty",
    "output_attentions", "output_hidden_states", "return_dict", "torchscript", "id2label", "label2id",
    "num_labels", "problem_type", "finetuning_task", "task_specific_params", "initializer_range",
    "pretraining_tp", "chunk_size_feed_forward", "min_p", "typical_p", "length_penalty", "early_stopping",
    "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "bad_words_ids", "suppress_tokens",
    "begin_suppress_tokens", "forced_bos_token_id", "forced_eos_token_id", "num_return_sequences",
    "num_beam_groups", "diversity_penalty", "exponential_decay_length_penalty", "remove_invalid_values",
    "output_scores", "return_dict_in_generate",
}  # fmt: skip
"""Keys that change no logits: where a model is from, how it is stored, its first weights, in how many slices
a product is computed, and what its users do with the logits."""


def read_model_config(folder: Path, *, attention: AttentionForm = "reference") -> ModelConfig:
    """Read the configuration of the model in `folder`; `FileNotFoundError` where there is none."""
    path = folder / CONFIG_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"expected a folder as Hugging Face stores models but {folder} has no {CONFIG_FILE}; "
            "download the model and give its folder"
        )
    return model_config(read_json(path), attention=attention)


def model_config(values: dict[str, Any], *, attention: AttentionForm = "reference") -> ModelConfig:
    """Translate the content of a `config.json`; a `ValueError` names the first thing that does not fit."""
    check_keys(values)
    hidden_size = positive_integer(values, "hidden_size")
    num_heads = positive_integer(values, "num_attention_heads")
    num_kv_heads = positive_integer(values, "num_key_value_heads", num_heads)
    head_dim = positive_integer(values, "head_dim", max(1, hidden_size // num_heads))
    context_length = positive_integer(values, "max_position_embeddings")
    return ModelConfig(
        vocab_size=positive_integer(values, "vocab_size"),
        context_length=context_length,
        d_model=hidden_size,
        num_layers=positive_integer(values, "num_hidden_layers"),
        num_heads=num_heads,
        num_kv_heads=None if num_kv_heads == num_heads else num_kv_heads,
        d_head=None if head_dim * num_heads == hidden_size else head_dim,
        d_ff=positive_integer(values, "intermediate_size"),
        norm_eps=positive_number(values, "rms_norm_eps", 1e-6),
        tie_embeddings=truth_value(values, "tie_word_embeddings", False),
        attention=attention,
        **rope_fields(values, context_length),
    )


def check_keys(values: dict[str, Any]) -> None:
    """Raise `ValueError` for a model that is none of ours, or that may be none."""
    for key, expected in NEEDED.items():
        if values.get(key) != expected:
            raise unsupported(key, repr(expected), values.get(key))
    for key, value in values.items():
        if value is None:
            continue
        if key in REQUIRED_WHERE_SET:
            if value != REQUIRED_WHERE_SET[key]:
                raise unsupported(key, repr(REQUIRED_WHERE_SET[key]), value)
        elif key == "layer_types":
            check_layer_types(value)
        elif key not in NEEDED.keys() | TRANSLATED | WITHOUT_EFFECT:
            raise ValueError(
                f"every key of {CONFIG_FILE} must be known but what {key} = {reprlib.repr(value)} changes is "
                "not; take another model, or remove the key if it changes nothing"
            )


def check_layer_types(layer_types: object) -> None:
    """Refuse layers that do not see everything before them."""
    if not isinstance(layer_types, list) or any(kind != "full_attention" for kind in layer_types):
        raise unsupported("layer_types", "'full_attention' in each layer", layer_types)
