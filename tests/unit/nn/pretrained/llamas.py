"""Hugging Face's own Llamas with random weights, small, and folders that they have written."""

from pathlib import Path
from typing import Any

import torch
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaForCausalLM

VOCAB, CONTEXT = 101, 83
LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 41,  # of five pairs one is fast, one between, three slow
}
TRAITS: dict[str, dict[str, Any]] = {
    "none": {},
    "grouped queries": {"num_key_value_heads": 2},
    "one head of keys": {"num_key_value_heads": 1},
    "tied embeddings": {"tie_word_embeddings": True},
    "size of heads": {"head_dim": 14},
    "epsilon of norms": {"rms_norm_eps": 0.1},
    "base of positions": {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0}},
    "scaled frequencies": {"rope_parameters": LLAMA3_ROPE},
}
ALL = {
    "num_key_value_heads": 2,
    "tie_word_embeddings": True,
    "head_dim": 14,
    "rms_norm_eps": 0.1,
    "rope_parameters": LLAMA3_ROPE,
}


def llama(**traits: Any) -> LlamaForCausalLM:
    """Random weights, gains that differ from 1, and logits far apart."""
    config = LlamaConfig(
        **{
            "vocab_size": VOCAB,
            "hidden_size": 60,
            "intermediate_size": 37,
            "num_hidden_layers": 3,
            "num_attention_heads": 6,
            "max_position_embeddings": CONTEXT,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
            **traits,
        }
    )
    torch.manual_seed(11)
    model = LlamaForCausalLM(config).eval()
    model.set_attn_implementation("eager")
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(
                1 + 0.3 * torch.randn_like(weight) if "norm" in name else 0.12 * torch.randn_like(weight)
            )
    return model


def written(folder: Path, model: LlamaForCausalLM | None = None, **options: Any) -> Path:
    """Let transformers write a model as it does for its own users."""
    (llama() if model is None else model).save_pretrained(folder, **options)
    return folder


def random_ids(*shape: int) -> torch.Tensor:
    return torch.randint(VOCAB, shape, generator=torch.Generator().manual_seed(5))
