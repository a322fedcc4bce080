"""Prefill and decode give the logits of `forward`, for every variant, row by row."""

from dataclasses import replace
from typing import get_args

import pytest
import torch
from torch import Tensor

from cs336_basics.nn.attention import MultiHeadSelfAttention
from cs336_basics.nn.config import AttentionForm, ModelConfig
from cs336_basics.nn.decoding_step import decoding_step
from cs336_basics.nn.kv_cache import KeyValueCache, LayerCache
from cs336_basics.nn.transformer_lm import TransformerLM

VOCAB, CONTEXT, LENGTHS, READ = 31, 13, (4, 1, 6), 6
PLAIN = ModelConfig(vocab_size=VOCAB, context_length=CONTEXT, d_model=24, num_layers=3, num_heads=2, d_ff=11)
GROUPED = replace(PLAIN, num_heads=6, num_kv_heads=2, d_head=10, rope_scaling="llama3")
VARIANTS = {form: replace(PLAIN, attention=form) for form in get_args(AttentionForm)}
VARIANTS |= {f"grouped, {form}": replace(GROUPED, attention=form) for form in get_args(AttentionForm)}
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}

pytestmark = pytest.mark.usefixtures("without_gradients")


@pytest.fixture
def without_gradients():
    with torch.inference_mode():
        yield


def model_of(config: ModelConfig = PLAIN, dtype: torch.dtype = torch.float64) -> TransformerLM:
    """Logits far apart, so that a wrong key shows."""
    model = TransformerLM.from_config(config, dtype=dtype)
    for name, weight in model.named_parameters():
        if name.endswith(("output_proj.weight", "lm_head.weight")):
            weight.mul_(3)
    return model


def random_ids(rows: int = len(LENGTHS)) -> Tensor:
    return torch.randint(VOCAB, (rows, CONTEXT), generator=torch.Generator().manual_seed(11))


def cached_logits(model: TransformerLM, ids: Tensor, lengths: tuple[int, ...], steps: int) -> list[Tensor]:
    """Read the first `lengths[r]` ids of each row at once, then `steps` more one by one."""
    cache = KeyValueCache(len(model.layers))
    logits = [model.prefill(ids[:, : max(lengths)], lengths, cache)]
    for step in range(steps):
        new = torch.stack([row[length + step] for row, length in zip(ids, lengths, strict=True)])
        logits.append(model.decode(new, cache))
    return logits


def plain_logits(model: TransformerLM, ids: Tensor, lengths: tuple[int, ...], steps: int) -> list[Tensor]:
    """The same from whole forward passes."""
    logits = model(ids)
    rows = torch.arange(len(lengths))
    return [logits[rows, torch.tensor(lengths) - 1 + step] for step in range(steps + 1)]


def assert_all_close(found: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    assert len(found) == len(expected)
    for step, (actual, wanted) in enumerate(zip(found, expected, strict=True)):
        torch.testing.assert_close(actual, wanted, rtol=0, atol=tolerance, msg=f"{step} steps on")


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", VARIANTS)
def test_logits_from_the_cache_are_those_of_forward_for_prompts_of_unequal_length(name, dtype):
    model, ids, steps = model_of(VARIANTS[name], dtype), random_ids(), CONTEXT - max(LENGTHS)
    expected = plain_logits(model, ids, LENGTHS, steps)
    assert_all_close(cached_logits(model, ids, LENGTHS, steps), expected, TOLERANCE[dtype])


@pytest.mark.parametrize("length", [1, 5, CONTEXT])
@pytest.mark.parametrize("rows", [1, 3, 6])
def test_logits_from_the_cache_are_those_of_forward_at_every_position(rows, length):
    model, ids = model_of(dtype=torch.float32), random_ids(rows)
    lengths, steps = (length,) * rows, CONTEXT - length
    expected = plain_logits(model, ids, lengths, steps)
    assert_all_close(cached_logits(model, ids, lengths, steps), expected, 1e-5)


def test_a_cache_that_grows_by_blocks_keeps_what_it_holds(monkeypatch):
    monkeypatch.setattr("cs336_basics.nn.kv_cache.BLOCK_POSITIONS", 4)
    model, ids, steps = model_of(), random_ids(), CONTEXT - max(LENGTHS)
    assert_all_close(
        cached_logits(model, ids, LENGTHS, steps), plain_logits(model, ids, LENGTHS, steps), 1e-12
    )


def test_a_short_text_takes_little_memory_however_long_the_context():
    model = model_of(replace(PLAIN, context_length=8192))
    cache = KeyValueCache(3)
    model.prefill(random_ids(), LENGTHS, cache)
    assert all(layer.keys.shape[-2] == 128 for layer in cache.layers)


def test_padding_changes_nothing():
    model, ids = model_of(), random_ids()
    other = ids.clone()
    for row, length in enumerate(LENGTHS):
        other[row, length:READ] = (other[row, length:READ] + 7) % VOCAB
    assert not torch.equal(other, ids)
    caches = [KeyValueCache(3), KeyValueCache(3)]
    read = [
        model.prefill(text[:, :READ], LENGTHS, cache)
        for text, cache in zip((ids, other), caches, strict=True)
    ]
    assert torch.equal(read[0], read[1])
    for step in range(CONTEXT - READ):
        new = ids[:, step]
        first, second = (model.decode(new, cache) for cache in caches)
        assert torch.equal(first, second)


def test_a_row_does_not_depend_on_the_others():
    model, ids = model_of(), random_ids()
    together = cached_logits(model, ids, LENGTHS, 5)
    for row, length in enumerate(LENGTHS):
        alone = cached_logits(model, ids[row : row + 1], (length,), 5)
        assert_all_close([logits[0] for logits in alone], [logits[row] for logits in together], 1e-12)


def test_a_decoded_token_depends_on_every_one_before_it_and_on_none_behind():
    model, ids = model_of(), random_ids(1)
    before = cached_logits(model, ids, (4,), 6)
    for changed in range(10):
        other = ids.clone()
        other[0, changed] = (other[0, changed] + 1) % VOCAB
        after = cached_logits(model, other, (4,), 6)
        for step, (old, new) in enumerate(zip(before, after, strict=True)):
            assert torch.equal(old, new) == (changed > 3 + step)


def test_the_head_is_applied_to_the_last_token_of_each_row_only():
    model, seen = model_of(), []
    model.lm_head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape))
    model.prefill(random_ids()[:, :READ], LENGTHS, KeyValueCache(3))
    assert seen == [(3, 24)]


def test_bfloat16_weights_have_a_bfloat16_cache_and_the_same_predictions():
    model, ids = model_of(dtype=torch.float32), random_ids()
    expected = plain_logits(model.bfloat16(), ids, LENGTHS, 5)
    found = cached_logits(model, ids, LENGTHS, 5)
    assert found[-1].dtype == torch.bfloat16
    for actual, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(actual.float(), wanted.float(), rtol=0.02, atol=0.1)


def test_autocast_has_the_same_predictions():
    model, ids = model_of(dtype=torch.float32), random_ids()
    with torch.autocast("cpu", torch.bfloat16):
        expected = plain_logits(model, ids, LENGTHS, 5)
        found = cached_logits(model, ids, LENGTHS, 5)
    for actual, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(actual.float(), wanted.float(), rtol=0.02, atol=0.1)


def test_reading_beyond_the_context_length_is_refused():
    model, ids, cache = model_of(), random_ids(1), KeyValueCache(3)
    model.prefill(ids, (CONTEXT,), cache)
    with pytest.raises(ValueError, match=r"context_length = 13 tokens but has 14;"):
        model.decode(ids[:, 0], cache)
    with pytest.raises(ValueError, match=r"context_length = 13 tokens but has 26;"):
        model.prefill(torch.cat((ids, ids), dim=1), (26,), cache)
    assert cache.lengths == [CONTEXT]


def test_a_cache_of_another_number_of_layers_is_refused():
    with pytest.raises(ValueError, match="a layer for each of the model's 3 but has 2"):
        model_of().prefill(random_ids(), LENGTHS, KeyValueCache(2))


@pytest.mark.parametrize("lengths", [(0,), (CONTEXT + 1,), (1, 1), ()], ids=str)
def test_lengths_that_the_rows_do_not_have_are_refused(lengths):
    with pytest.raises(ValueError, match=r"lengths must be one of 1\.\.13 for each of 1 rows but are"):
        model_of().prefill(random_ids(1), lengths, KeyValueCache(3))


@pytest.mark.parametrize(("held", "given"), [(0, 1), (2, 1), (2, 3), (0, 0)])
def test_a_cache_grows_by_one_token_for_each_of_its_rows(held, given):
    model, cache = model_of(), KeyValueCache(3)
    if held:
        model.prefill(random_ids(held)[:, :4], [4] * held, cache)
    with pytest.raises(ValueError, match=f"each of its {held} rows but was given {given}"):
        model.decode(torch.zeros(given, dtype=torch.long), cache)


def test_attention_without_rope_has_a_cache_too():
    attention = MultiHeadSelfAttention(24, 2, dtype=torch.float64)
    x, layer_cache = torch.randn(2, 7, 24, dtype=torch.float64), LayerCache()
    expected = attention(x)
    prefilled = attention.prefill(x[:, :6], None, layer_cache)
    torch.testing.assert_close(prefilled, expected[:, :6], rtol=0, atol=1e-12)
    step = decoding_step([6, 6], None, device=x.device)
    decoded = attention.decode(x[:, 6:], step, layer_cache)
    torch.testing.assert_close(decoded, expected[:, 6:], rtol=0, atol=1e-12)
