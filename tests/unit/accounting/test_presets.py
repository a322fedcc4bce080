from typing import get_args

from cs336_basics.accounting import MODELS
from cs336_basics.accounting.presets import ModelName
from cs336_basics.training.presets import PRESETS


def test_every_name_has_a_model():
    assert list(MODELS) == list(get_args(ModelName))


def test_tinystories_is_the_model_that_the_training_preset_trains():
    assert MODELS["tinystories"] == PRESETS["tinystories"].model


def test_every_model_has_the_attention_that_training_uses():
    forms = {preset.model.attention for preset in PRESETS.values()}
    assert {model.attention for model in MODELS.values()} == forms


def test_long_models_differ_in_their_context_only():
    assert MODELS["gpt2-xl-16k"].context_length == 16 * MODELS["gpt2-xl"].context_length
    assert MODELS["gpt2-xl-wide-16k"].d_ff == MODELS["gpt2-xl-wide"].d_ff
