"""The cache class on its own; what models compute with it is in test_cached_model.py."""

import pytest
import torch
from torch import Tensor

from cs336_basics.nn.decoding_step import DecodingStep, decoding_step
from cs336_basics.nn.kv_cache import BLOCK_POSITIONS, KeyValueCache, LayerCache

BATCH, HEADS, D_HEAD = 3, 2, 5
CPU = torch.device("cpu")


def random_heads(seq: int, batch: int = BATCH, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(batch, HEADS, seq, D_HEAD, dtype=dtype)


def step_after(*lengths: int) -> DecodingStep:
    return decoding_step(lengths, None, device=CPU)


def filled(k: Tensor, v: Tensor) -> LayerCache:
    cache = LayerCache()
    cache.fill(k, v)
    return cache


def test_appended_keys_and_values_stand_behind_those_that_were_there():
    k, v = random_heads(9), random_heads(9)
    cache = filled(k[:, :, :7], v[:, :, :7])
    cache.append(k[:, :, 7:8], v[:, :, 7:8], step_after(7, 7, 7))
    keys, values = cache.append(k[:, :, 8:], v[:, :, 8:], step_after(8, 8, 8))
    assert torch.equal(keys, k)
    assert torch.equal(values, v)


def test_rows_of_unequal_length_each_get_their_own_place():
    k, v, new_k, new_v = random_heads(7), random_heads(7), random_heads(1), random_heads(1)
    keys, values = filled(k, v).append(new_k, new_v, step_after(2, 7, 4))
    for found, old, new in ((keys, k, new_k), (values, v, new_v)):
        assert found.shape == (BATCH, HEADS, 8, D_HEAD)
        for row, position in enumerate((2, 7, 4)):
            assert torch.equal(found[row, :, position], new[row, :, 0])
            others = [place for place in range(7) if place != position]
            assert torch.equal(found[row][:, others], old[row][:, others])


@pytest.mark.parametrize("lengths", [(BLOCK_POSITIONS,) * 3, (BLOCK_POSITIONS, 5, 0)], ids=str)
def test_memory_grows_by_a_block_when_it_is_full(lengths):
    k = random_heads(BLOCK_POSITIONS)
    cache = filled(k, k)
    assert cache.keys.shape[-2] == BLOCK_POSITIONS
    new = random_heads(1)
    keys, values = cache.append(new, new, step_after(*lengths))
    assert cache.keys.shape == cache.values.shape == (BATCH, HEADS, 2 * BLOCK_POSITIONS, D_HEAD)
    assert torch.equal(keys, values)
    assert torch.equal(keys[0, :, :BLOCK_POSITIONS], k[0])
    assert torch.equal(keys[0, :, BLOCK_POSITIONS], new[0, :, 0])
    assert cache.keys[:, :, BLOCK_POSITIONS + 1 :].count_nonzero() == 0


def test_room_that_was_never_written_holds_zeros_so_that_nothing_but_numbers_is_multiplied():
    k = random_heads(3)
    cache = filled(k, k)
    assert cache.keys[:, :, 3:].count_nonzero() == 0
    assert cache.values[:, :, 3:].count_nonzero() == 0


def test_cache_has_the_type_of_what_is_put_into_it():
    k = random_heads(3, dtype=torch.bfloat16)
    assert filled(k, k).keys.dtype == torch.bfloat16


def test_filling_again_forgets_what_was_there():
    first, second = random_heads(9), random_heads(4, batch=1)
    cache = filled(first, first)
    cache.fill(second, second)
    assert cache.keys.shape == (1, HEADS, BLOCK_POSITIONS, D_HEAD)
    assert torch.equal(cache.keys[:, :, :4], second)


def cache_of(k: Tensor, lengths: list[int]) -> KeyValueCache:
    cache = KeyValueCache(2)
    cache.lengths = lengths
    for factor, layer in enumerate(cache.layers, start=1):
        layer.fill(factor * k, -factor * k)
    return cache


def test_select_rows_keeps_them_in_the_order_given_in_every_layer():
    k = random_heads(4)
    cache = cache_of(k, [4, 2, 3])
    cache.select_rows([2, 0])
    assert cache.lengths == [3, 4]
    for factor, layer in enumerate(cache.layers, start=1):
        assert torch.equal(layer.keys[:, :, :4], factor * k[[2, 0]])
        assert torch.equal(layer.values[:, :, :4], -factor * k[[2, 0]])


def test_select_all_rows_copies_nothing():
    cache = cache_of(random_heads(4), [4, 2, 3])
    before = cache.layers[0].keys
    cache.select_rows([0, 1, 2])
    assert cache.layers[0].keys is before


def test_select_no_rows_leaves_none():
    cache = cache_of(random_heads(4), [4, 2, 3])
    cache.select_rows([])
    assert cache.lengths == []
    assert len(cache.layers[0].keys) == 0


@pytest.mark.parametrize("longer", ["here", "there"])
def test_add_rows_puts_them_behind_with_room_for_the_longer(longer):
    long, short = random_heads(BLOCK_POSITIONS + 1), random_heads(3, batch=1)
    here, there = (long, short) if longer == "here" else (short, long)
    cache = cache_of(here, [here.shape[-2]] * len(here))
    cache.add_rows(cache_of(there, [there.shape[-2]] * len(there)))
    assert cache.lengths == [here.shape[-2]] * len(here) + [there.shape[-2]] * len(there)
    for factor, layer in enumerate(cache.layers, start=1):
        assert layer.keys.shape[-2] == 2 * BLOCK_POSITIONS
        for found, sign in ((layer.keys, factor), (layer.values, -factor)):
            assert torch.equal(found[: len(here), :, : here.shape[-2]], sign * here)
            assert torch.equal(found[len(here) :, :, : there.shape[-2]], sign * there)


def test_add_rows_to_a_cache_without_any():
    k = random_heads(3)
    cache = KeyValueCache(2)
    cache.add_rows(cache_of(k, [3, 3, 3]))
    assert cache.lengths == [3, 3, 3]
    assert torch.equal(cache.layers[1].keys[:, :, :3], 2 * k)
