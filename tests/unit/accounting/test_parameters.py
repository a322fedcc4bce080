from dataclasses import fields
from typing import get_args

import pytest

from cs336_basics.accounting import MODELS, count_parameters, parameter_shapes, parameters_by_part
from cs336_basics.accounting.parts import build
from cs336_basics.nn.config import AttentionForm, FeedForwardForm, ModelConfig, NormPlace
from cs336_basics.nn.transformer_lm import TransformerLM
from tests.unit.accounting.models import GROUPED, ODD, VARIANTS


@pytest.mark.parametrize("config", [ODD, GROUPED, *MODELS.values()], ids=["odd", "grouped", *MODELS])
def test_shapes_are_those_of_the_model_in_its_order(config):
    model = TransformerLM.from_config(config, device="meta")
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    assert list(parameter_shapes(config).items()) == list(shapes.items())
    assert count_parameters(config) == sum(parameter.numel() for parameter in model.parameters())


def test_parts_of_all_layers_are_one_entry():
    config = ModelConfig(vocab_size=7, context_length=5, d_model=6, num_layers=2, num_heads=3, d_ff=11)
    assert parameters_by_part(config) == {
        "token_embeddings": 7 * 6,
        "layers.*.ln1": 2 * 6,
        "layers.*.attn": 2 * 4 * 36,
        "layers.*.ln2": 2 * 6,
        "layers.*.ffn": 2 * 3 * 66,
        "ln_final": 6,
        "lm_head": 7 * 6,
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_shapes_of_a_variant_are_those_of_its_model(variant):
    model = TransformerLM.from_config(VARIANTS[variant], device="meta")
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    assert parameter_shapes(VARIANTS[variant]) == shapes


def test_every_choice_has_formulas():
    assert list(build.FEED_FORWARD_FORMS) == list(get_args(FeedForwardForm))
    assert list(build.ORDER_IN_A_BLOCK) == list(get_args(NormPlace))
    assert list(build.ATTENTION_FORMS) == list(get_args(AttentionForm))
    sizes = {"vocab_size", "d_model", "num_layers", "num_heads", "num_kv_heads", "d_head", "d_ff"}
    choices = {"attention", "norm", "position", "ffn", "qk_norm", "tie_embeddings", "logit_softcap"}
    without_cost = {"context_length", "norm_eps", "zero_init_outputs", "init"}
    known = sizes | choices | without_cost
    names = {field.name for field in fields(ModelConfig)}
    new = {name for name in names - known if not name.startswith("rope_")}
    assert not new, "they need formulas in accounting/parts, or are without cost"
