import dataclasses
from typing import Any, get_args

import pytest

from cs336_basics import ModelConfig
from cs336_basics.nn.config import InitRule, swiglu_d_ff

SHAPE: dict[str, Any] = {
    "vocab_size": 31,
    "context_length": 13,
    "d_model": 42,
    "num_layers": 2,
    "num_heads": 3,
}


@pytest.mark.parametrize(
    ("d_model", "d_ff"), [(512, 1344), (1600, 4288), (768, 2048), (24, 64), (1, 64), (35, 64), (36, 128)]
)
def test_swiglu_d_ff_is_the_multiple_of_64_nearest_to_8_thirds(d_model, d_ff):
    assert swiglu_d_ff(d_model) == d_ff


def test_swiglu_d_ff_is_never_more_than_32_away():
    for d_model in range(24, 5000):
        assert swiglu_d_ff(d_model) % 64 == 0
        assert abs(swiglu_d_ff(d_model) - 8 * d_model / 3) <= 32


def test_model_config_derives_sizes():
    config = ModelConfig(**SHAPE)
    assert (config.head_size, config.feed_forward_size) == (14, swiglu_d_ff(42))
    assert ModelConfig(**SHAPE, d_ff=11).feed_forward_size == 11
    assert (config.key_value_heads, config.has_plain_heads) == (3, True)


@pytest.mark.parametrize(
    ("change", "heads"),
    [
        ({"num_kv_heads": 3}, (14, 3, True)),
        ({"num_kv_heads": 1}, (14, 1, False)),
        ({"d_head": 14}, (14, 3, True)),
        ({"d_head": 10}, (10, 3, False)),
        ({"num_heads": 5, "d_head": 10, "num_kv_heads": 5}, (10, 5, False)),
        ({"num_heads": 5, "d_head": 8}, (8, 5, False)),
    ],
)
def test_model_config_derives_heads(change, heads):
    config = ModelConfig(**(SHAPE | change))
    assert (config.head_size, config.key_value_heads, config.has_plain_heads) == heads


def test_model_config_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ModelConfig(**SHAPE).d_model = 84  # pyright: ignore[reportAttributeAccessIssue]


def test_model_config_survives_a_round_trip_through_a_dict():
    config = ModelConfig(**SHAPE, init="orthogonal", rope_theta=500.0)
    assert ModelConfig(**dataclasses.asdict(config)) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vocab_size": 0}, "vocab_size must be at least 1 but is 0"),
        ({"context_length": 0}, "context_length must be at least 1 but is 0"),
        ({"d_model": -42}, "d_model must be at least 1 but is -42"),
        ({"num_layers": 0}, "num_layers must be at least 1 but is 0"),
        ({"num_heads": 0}, "num_heads must be at least 1 but is 0"),
        ({"d_ff": 0}, "d_ff must be at least 1 but is 0; leave it out"),
        ({"num_heads": 5}, "multiple of num_heads but 42 is not a multiple of 5; change one of the two"),
        ({"num_heads": 14}, "must be even, but 42 / 14 is 3; change one of the two"),
        ({"num_kv_heads": 0}, "num_kv_heads must divide num_heads but 0 does not divide 3; change one"),
        ({"num_kv_heads": 2}, "num_kv_heads must divide num_heads but 2 does not divide 3; change one"),
        ({"num_kv_heads": 6}, "num_kv_heads must divide num_heads but 6 does not divide 3; change one"),
        ({"d_head": 0}, "d_head must be at least 1 but is 0; leave it out"),
        ({"d_head": 7}, "d_head must be even, but it is 7"),
        ({"rope_theta": 0.0}, "rope_theta must be positive and finite but is 0.0"),
        ({"rope_factor": -8.0}, "rope_factor must be positive and finite but is -8.0"),
        ({"rope_slow_turns": 0.0}, "rope_slow_turns must be positive and finite but is 0.0"),
        ({"rope_original_context": 0}, "rope_original_context must be positive and finite but is 0"),
        (
            {"rope_fast_turns": 1.0},
            "rope_fast_turns must exceed rope_slow_turns but 1.0 does not exceed 1.0;",
        ),
        ({"norm_eps": 0.0}, "norm_eps must be positive and finite but is 0.0; 1e-5 is usual"),
        ({"logit_softcap": 0.0}, "logit_softcap must be positive and finite but is 0.0; leave it out"),
        ({"logit_softcap": float("inf")}, "logit_softcap must be positive and finite but is inf"),
        ({"logit_softcap": float("nan")}, "logit_softcap must be positive and finite but is nan"),
    ],
)
def test_model_config_refuses_what_cannot_be_built_in_one_sentence(change, message):
    with pytest.raises(ValueError, match=message) as error:
        ModelConfig(**(SHAPE | change))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"init": "glorot"}, r"init must be one of trunc_normal, .* but is 'glorot'"),
        ({"attention": "flash"}, "attention must be one of reference, chunked, sdpa but is 'flash'"),
        ({"norm": "both"}, "norm must be one of pre, post, none but is 'both'"),
        ({"position": "alibi"}, "position must be one of rope, none but is 'alibi'"),
        ({"rope_scaling": "yarn"}, "rope_scaling must be one of none, llama3 but is 'yarn'"),
        ({"ffn": "gelu"}, "ffn must be one of swiglu, silu, relu2 but is 'gelu'"),
    ],
)
def test_model_config_names_the_choices_when_given_an_unknown_one(choice, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**SHAPE, **choice)


@pytest.mark.parametrize("rule", get_args(InitRule))
def test_model_config_accepts_every_rule(rule):
    assert ModelConfig(**SHAPE, init=rule).init == rule
