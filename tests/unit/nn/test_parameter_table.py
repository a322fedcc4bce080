from typing import Any

import pytest
import torch

from cs336_basics import ModelConfig, TransformerLM
from cs336_basics.accounting import parameters_by_part as counted_without_torch
from cs336_basics.nn.parameter_table import parameter_table, parameters_by_part

SIZES: dict[str, Any] = {
    "vocab_size": 31, "context_length": 7, "d_model": 12, "num_layers": 5, "num_heads": 3, "d_ff": 11,
}  # fmt: skip


def test_printing_a_model_ends_with_its_parameters_by_part():
    text = str(TransformerLM(**SIZES))
    assert text.startswith("TransformerLM(\n  (positions): ")
    # 31 * 12; 5 * 12; 5 * 4 * 12^2; 5 * 12; 5 * 3 * 12 * 11; 12; 12 * 31
    assert text.endswith(
        "\n)\n"
        "parameters:\n"
        "  token_embeddings    372   6.5%\n"
        "  layers.*.ln1         60   1.0%\n"
        "  layers.*.attn     2,880  50.2%\n"
        "  layers.*.ln2         60   1.0%\n"
        "  layers.*.ffn      1,980  34.5%\n"
        "  ln_final             12   0.2%\n"
        "  lm_head             372   6.5%\n"
        "  total             5,736"
    )


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"tie_embeddings": True},
        {"tie_embeddings": True, "logit_softcap": 5.0},
        {"qk_norm": True, "norm": "post", "ffn": "relu2"},
        {"norm": "none", "position": "none"},
    ],
    ids=str,
)
def test_the_parts_add_up_to_all_parameters(choices):
    model = TransformerLM.from_config(ModelConfig(**SIZES, **choices), device="meta")
    counts = parameters_by_part(model)
    total = sum(p.numel() for p in model.parameters())
    assert sum(counts.values()) == total
    assert parameter_table(model).endswith(f"{total:,}")
    assert ("lm_head" in counts) == (not choices.get("tie_embeddings", False))


def test_a_weight_that_was_tied_by_hand_is_counted_once():
    model = TransformerLM(**SIZES)
    model.lm_head.weight = model.token_embeddings.weight
    assert "lm_head" not in parameter_table(model)
    assert sum(parameters_by_part(model).values()) == sum(p.numel() for p in model.parameters())


def test_the_counts_are_those_of_accounting():
    config = ModelConfig(**SIZES)
    model = TransformerLM.from_config(config, device="meta")
    assert parameters_by_part(model) == counted_without_torch(config)


def test_frozen_parameters_count_too():
    model = TransformerLM(**SIZES)
    before = parameter_table(model)
    assert parameter_table(model.requires_grad_(False)) == before
    assert parameter_table(model.to(torch.bfloat16)) == before
