from dataclasses import replace

import pytest

from cs336_basics.accounting import Batch, activation_bytes, saved_by_part
from cs336_basics.accounting.parts import attention, loss
from cs336_basics.accounting.parts.build import build_parts
from cs336_basics.functional import chunked_attention, chunked_loss
from tests.unit.accounting.models import FORMS, FORMS_OF_VARIANTS, GROUPED, ODD, VARIANTS
from tests.unit.accounting.training_tensors import saved_by_module

MODELS = {"odd": ODD, "grouped": GROUPED, "d_head": replace(GROUPED, num_kv_heads=None), **VARIANTS}
CASES = [(model, *form) for model in MODELS for form in (FORMS_OF_VARIANTS if model in VARIANTS else FORMS)]


@pytest.mark.parametrize(("model", "form", "loss_form", "precision"), CASES)
def test_saved_bytes_of_each_part_are_those_that_autograd_saves(model, form, loss_form, precision):
    config = replace(MODELS[model], attention=form)
    batch = Batch(batch_size=3, seq=7, precision=precision)
    parts = build_parts(config, loss=loss_form)
    computed = {name: sum(part.saved(batch).values()) for name, part in parts.items()}
    saved = saved_by_module(config, 3, 7, loss_form=loss_form, precision=precision)
    assert {name: size for name, size in computed.items() if size > 0} == saved
    assert activation_bytes(config, batch, loss=loss_form) == sum(saved.values())
    attention_of_all_layers = sum(size for name, size in saved.items() if name.endswith("attn"))
    assert saved_by_part(config, batch, loss=loss_form)["layers.*.attn"] == attention_of_all_layers


def test_saved_bytes_are_right_beyond_one_chunk():
    config = replace(ODD, attention="chunked", context_length=541, num_layers=1)
    batch = Batch(batch_size=2, seq=541)
    saved = saved_by_module(config, 2, 541, loss_form="chunked", precision="fp32")
    assert activation_bytes(config, batch) == sum(saved.values())


def test_checkpointed_blocks_keep_their_inputs_only():
    batch = Batch(batch_size=3, seq=7)
    outside = {
        name: size for name, size in saved_by_part(ODD, batch).items() if not name.startswith("layers.")
    }
    inputs = 3 * 4 * (3 * 7 * 28)
    assert activation_bytes(ODD, batch, recompute=True) == sum(outside.values()) + inputs


def test_chunks_are_those_of_the_functions():
    assert chunked_attention.QUERY_CHUNK == attention.QUERY_CHUNK
    assert chunked_attention.KEY_CHUNK == attention.KEY_CHUNK
    assert chunked_loss.CHUNK_TOKENS == loss.CHUNK_TOKENS


def test_an_unknown_loss_is_a_value_error():
    with pytest.raises(ValueError, match="loss must be one of plain, chunked but is 'mean'"):
        build_parts(ODD, loss="mean")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"seq": 0}, {"precision": "fp8"}])
def test_an_impossible_batch_is_a_value_error(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Batch(**{"seq": 5, **wrong})
