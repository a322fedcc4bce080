from dataclasses import replace

import pytest

from cs336_basics.accounting import MODELS, count_parameters, parameter_shapes, parameters_by_part
from cs336_basics.nn.config import ModelConfig
from cs336_basics.nn.transformer_lm import TransformerLM
from tests.unit.accounting.models import GROUPED, ODD


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


@pytest.mark.parametrize(
    "choice", [{"ffn": "silu"}, {"tie_embeddings": True}, {"logit_softcap": 5.0}], ids=str
)
def test_a_choice_whose_cost_is_not_known_is_refused_by_name(choice):
    (name, value) = next(iter(choice.items()))
    with pytest.raises(ValueError, match=rf"models with {name} = .* but here it is {value!r}; leave it at"):
        parameter_shapes(replace(ODD, **choice))
