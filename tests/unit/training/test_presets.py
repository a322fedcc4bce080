from typing import get_args

import pytest

from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.training.presets import PRESETS, PresetName


def test_every_preset_name_has_a_preset():
    assert set(PRESETS) == set(get_args(PresetName))


@pytest.mark.parametrize(("name", "tokens"), [("tinystories", 327_680_000), ("tinystories-cpu", 40_960_000)])
def test_the_courses_runs_see_the_courses_number_of_tokens(name, tokens):
    config = PRESETS[name]
    assert config.tokens_per_step * config.training.steps == tokens


def test_tinystories_is_the_courses_model():
    model = PRESETS["tinystories"].model
    shape = (
        model.vocab_size,
        model.context_length,
        model.d_model,
        model.d_ff,
        model.num_layers,
        model.num_heads,
    )
    assert shape == (10_000, 256, 512, 1344, 4, 16)
    parameters = TransformerLM.from_config(model, device="meta").parameters()
    assert sum(parameter.numel() for parameter in parameters) == 22_696_448
