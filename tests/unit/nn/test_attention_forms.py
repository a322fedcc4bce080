"""All ways to compute attention are the same model: the same weights, logits and gradients."""

from dataclasses import replace

import pytest
import torch

from cs336_basics.functional.chunked_loss import chunked_cross_entropy
from cs336_basics.functional.loss import cross_entropy
from cs336_basics.nn.config import ModelConfig
from cs336_basics.nn.transformer_lm import TransformerLM

REFERENCE = ModelConfig(vocab_size=13, context_length=11, d_model=12, num_layers=2, num_heads=3, d_ff=17)
GROUPED = replace(REFERENCE, num_heads=6, num_kv_heads=2, d_head=10)
FORMS = ["chunked", "sdpa"]


def model_with(config: ModelConfig, attention: str) -> TransformerLM:
    torch.manual_seed(0)
    return TransformerLM.from_config(replace(config, attention=attention), dtype=torch.float64)


@pytest.mark.parametrize("config", [REFERENCE, GROUPED], ids=["plain", "grouped"])
@pytest.mark.parametrize("attention", FORMS)
def test_models_with_any_form_of_attention_have_the_same_weights_logits_and_gradients(attention, config):
    reference, model = model_with(config, "reference"), model_with(config, attention)
    assert reference.state_dict().keys() == model.state_dict().keys()
    ids = torch.randint(13, (2, 11))
    expected, actual = reference(ids), model(ids)
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)
    cross_entropy(expected, ids).backward()
    chunked_cross_entropy(model.hidden_states(ids), model.lm_head.weight, ids).backward()
    pairs = zip(reference.named_parameters(), model.named_parameters(), strict=True)
    for (name, wanted), (_, found) in pairs:
        torch.testing.assert_close(found.grad, wanted.grad, rtol=0, atol=1e-12, msg=name)


def test_the_default_is_the_reference():
    config = ModelConfig(vocab_size=2, context_length=1, d_model=2, num_layers=1, num_heads=1)
    assert config.attention == "reference"
