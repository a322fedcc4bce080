import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.tokenization.bulk.symbol_array import (
    GONE,
    every_other_in_runs,
    find_pair,
    replace_pair_at,
)
from cs336_basics.tokenization.pair_statistics import replace_pair
from tests.unit.tokenization.references import BOUNDED

END = 99  # a symbol on both sides of the others


def layout(symbols, lengths):
    """Lay symbols out as the module describes, and tell where each begins."""
    array, starts = [END], []
    for symbol in symbols:
        starts.append(len(array))
        array += [symbol, *[GONE] * (lengths[symbol] - 2), symbol][: lengths[symbol]]
    return np.array([*array, END], dtype=np.int32), np.array(starts, dtype=np.int64)


def symbols_in(array, lengths):
    symbols = []
    place = 1
    while place < len(array) - 1:
        symbols.append(int(array[place]))
        place += lengths[symbols[-1]]
    assert place == len(array) - 1
    return symbols


@BOUNDED
@given(st.lists(st.integers(0, 2), max_size=30), st.integers(0, 2), st.integers(0, 2))
def test_pairs_found_and_replaced_are_those_of_replace_pair(symbols, left, right):
    lengths = {0: 1, 1: 1, 2: 3}
    lengths[3] = lengths[left] + lengths[right]
    array, starts = layout(symbols, lengths)
    found = find_pair(array, starts, left, right, left_length=lengths[left])
    replace_pair_at(array, found, 3, left_length=lengths[left], length=lengths[3])
    assert symbols_in(array, lengths) == replace_pair(symbols, (left, right), 3)


def test_pair_is_not_found_where_its_symbols_are_gone():
    array, starts = layout([1, 1, 1, 0, 1], {0: 1, 1: 1})
    replace_pair_at(array, np.array([1]), 3, left_length=1, length=2)  # [3, 1, 0, 1]
    assert find_pair(array, starts, 1, 0, left_length=1).tolist() == [3]
    assert find_pair(array, starts, 1, 1, left_length=1).tolist() == []


@pytest.mark.parametrize("length", range(8))
@pytest.mark.parametrize("distance", [1, 3])
def test_every_other_in_runs_keeps_the_pairs_that_do_not_overlap(length, distance):
    run = [10 + distance * place for place in range(length)]
    starts = np.array([*run, 100, 200, 200 + distance, 300 + length], dtype=np.int64)
    expected = [*run[::2], 100, 200, 300 + length]
    assert every_other_in_runs(starts, distance).tolist() == expected


def test_every_other_in_runs_counts_only_starts_that_overlap_as_one_run():
    assert every_other_in_runs(np.array([0, 1, 2, 4, 5, 7]), 1).tolist() == [0, 2, 4, 7]
    assert every_other_in_runs(np.array([0, 1, 2, 4, 5, 7]), 2).tolist() == [0, 1, 2, 5]
