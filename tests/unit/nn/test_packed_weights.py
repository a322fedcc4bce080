"""A model with packed weights gives the same logits, shares all with the first, and leaves it as it is."""

from dataclasses import replace

import pytest
import torch

from cs336_basics.functional.linear import SMALLEST_WEIGHT
from cs336_basics.nn.config import ModelConfig
from cs336_basics.nn.kv_cache import KeyValueCache
from cs336_basics.nn.linear import Linear
from cs336_basics.nn.packed_weights import packed_for_generation, with_packed_weights
from cs336_basics.nn.tied_head import TiedHead
from cs336_basics.nn.transformer_lm import TransformerLM
from tests.unit.functional.test_packed_product import needs_packing

PLAIN = ModelConfig(vocab_size=359, context_length=13, d_model=368, num_layers=2, num_heads=4, d_ff=367)
CONFIGS = {
    "plain": PLAIN,
    "chunked": replace(PLAIN, attention="chunked"),
    "grouped": replace(PLAIN, num_kv_heads=2, d_head=92),
    "tied": replace(PLAIN, tie_embeddings=True),
    "softcapped": replace(PLAIN, logit_softcap=5.0),
    "post-norm": replace(PLAIN, norm="post"),
}
LENGTHS = [3, 7, 1, 5, 2]


@pytest.fixture(params=CONFIGS)
def model(request) -> TransformerLM:
    torch.manual_seed(3)
    return TransformerLM.from_config(CONFIGS[request.param])


def multiplying(model: TransformerLM) -> list[Linear | TiedHead]:
    return [part for part in model.modules() if isinstance(part, Linear | TiedHead)]


def multiplied_by_packed_weights(model: TransformerLM) -> int:
    return sum("multiply" in vars(part) for part in multiplying(model))


@needs_packing
def test_logits_are_those_of_the_model(model):
    packed = with_packed_weights(model)
    large = [part for part in multiplying(model) if part.weight.numel() >= SMALLEST_WEIGHT]
    assert multiplied_by_packed_weights(packed) == len(large) > 8
    ids = torch.randint(359, (len(LENGTHS), 13))
    cache, other_cache = KeyValueCache(2), KeyValueCache(2)
    with torch.inference_mode():
        torch.testing.assert_close(packed(ids), model(ids), rtol=0, atol=2e-5)
        torch.testing.assert_close(
            packed.prefill(ids, LENGTHS, cache), model.prefill(ids, LENGTHS, other_cache), rtol=0, atol=2e-5
        )
        torch.testing.assert_close(
            packed.decode(ids[:, 0], cache), model.decode(ids[:, 0], other_cache), rtol=0, atol=2e-5
        )


@needs_packing
def test_the_model_stays_as_it_is(model):
    parts, printed = list(model.modules()), str(model)
    packed = with_packed_weights(model)
    assert list(model.modules()) == parts
    assert str(model) == str(packed) == printed
    assert multiplied_by_packed_weights(model) == 0
    assert all(a is b for a, b in zip(packed.parameters(), model.parameters(), strict=True))
    assert all(a is b for a, b in zip(packed.buffers(), model.buffers(), strict=True))
    assert not {id(part) for part in parts} & {id(part) for part in packed.modules()}


@needs_packing
def test_hooks_are_called_for_the_packed_model_too(model):
    seen = []
    model.layers[1].get_submodule("attn").register_forward_hook(lambda *call: seen.append("attn"))
    model.lm_head.register_forward_hook(lambda *call: seen.append("head"))
    with torch.inference_mode():
        with_packed_weights(model)(torch.tensor([[1, 2]]))
    assert seen == ["attn", "head"]


def test_parts_that_are_not_there_stay_away():
    model = TransformerLM.from_config(PLAIN)
    model.register_module("nothing", None)
    assert with_packed_weights(model).nothing is None


def test_weights_that_are_not_packable_stay_as_they_are():
    model = TransformerLM.from_config(PLAIN, dtype=torch.float64)
    assert multiplied_by_packed_weights(with_packed_weights(model)) == 0


def test_a_few_texts_or_tokens_are_not_worth_it():
    model = TransformerLM.from_config(PLAIN)
    assert packed_for_generation(model, num_texts=4, max_new_tokens=100) is model
    assert packed_for_generation(model, num_texts=100, max_new_tokens=15) is model
    assert packed_for_generation(model, num_texts=5, max_new_tokens=16) is not model
