import dataclasses
from typing import get_args

import pytest
import torch

from cs336_basics import Linear, ModelConfig, TransformerLM
from cs336_basics.nn.config import InitRule
from cs336_basics.nn.init import MATRIX_RULES

CONFIG = ModelConfig(vocab_size=31, context_length=13, d_model=42, num_layers=2, num_heads=3, d_ff=11)


def built(config: ModelConfig) -> TransformerLM:
    torch.manual_seed(7)
    return TransformerLM.from_config(config)


def test_from_config_equals_the_plain_constructor_weight_for_weight():
    torch.manual_seed(7)
    plain = TransformerLM(31, 13, 42, 2, 3, 11, 10000.0)
    general = built(CONFIG)
    assert general.config == plain.config
    assert [name for name, _ in general.named_modules()] == [name for name, _ in plain.named_modules()]
    for (name, ours), (expected_name, expected) in zip(
        general.state_dict().items(), plain.state_dict().items(), strict=True
    ):
        assert name == expected_name
        assert torch.equal(ours, expected), name
    ids = torch.randint(31, (2, 13))
    assert torch.equal(general(ids), plain(ids))


@pytest.mark.parametrize("rule", get_args(InitRule))
def test_from_config_draws_every_linear_layer_and_nothing_else_by_the_rule(rule):
    model = built(dataclasses.replace(CONFIG, init=rule))
    expected = built(CONFIG)
    if rule != "trunc_normal":
        for module in expected.modules():
            if isinstance(module, Linear):
                MATRIX_RULES[rule](module.weight)
    for name, weight in expected.state_dict().items():
        assert torch.equal(model.state_dict()[name], weight), name
    changed = not torch.equal(model.lm_head.weight, built(CONFIG).lm_head.weight)
    assert changed == (rule != "trunc_normal")


def test_from_config_takes_the_usual_feed_forward_size_where_none_is_given():
    model = built(dataclasses.replace(CONFIG, d_ff=None))
    assert model.get_parameter("layers.0.ffn.w1.weight").shape == (128, 42)


def test_from_config_takes_device_and_dtype():
    model = TransformerLM.from_config(CONFIG, device="meta", dtype=torch.bfloat16)
    for weight in model.parameters():
        assert (weight.device.type, weight.dtype) == ("meta", torch.bfloat16)


@pytest.mark.parametrize("rule", get_args(InitRule))
def test_from_config_builds_on_the_meta_device_under_every_rule(rule):
    model = TransformerLM.from_config(dataclasses.replace(CONFIG, init=rule), device="meta")
    assert model.lm_head.weight.device.type == "meta"
