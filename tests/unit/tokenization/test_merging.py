from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.tokenization.merging import PLAIN_UP_TO, merge_plainly, merge_symbols, merge_with_heap
from tests.unit.tokenization.references import BOUNDED

# Any table at all, also ones that no training gives: products used before they are made, made twice, or
# of a pair that has already a lower rank.
merge_lists = st.lists(st.tuples(*[st.integers(0, 5)] * 3), max_size=12)


def tables(merges):
    ranks = {}
    for rank, (left, right, _) in enumerate(merges):
        ranks.setdefault((left, right), rank)
    return ranks, [product for _, _, product in merges]


def test_merge_plainly_takes_the_lowest_rank_first_and_the_leftmost_of_equals():
    ranks, products = tables([(2, 3, 9), (1, 2, 8), (7, 7, 6)])
    assert merge_plainly([1, 2, 3, 1, 2], ranks, products) == [1, 9, 8]
    assert merge_plainly([7, 7, 7], ranks, products) == [6, 7]


@BOUNDED
@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), merge_lists)
def test_merge_with_heap_equals_merge_plainly(symbols, merges):
    ranks, products = tables(merges)
    before = list(symbols)
    assert merge_with_heap(symbols, ranks, products) == merge_plainly(symbols, ranks, products)
    assert symbols == before


@BOUNDED
@given(st.integers(1, 3 * PLAIN_UP_TO))
def test_merge_symbols_agrees_on_both_sides_of_the_switch(length):
    ranks, products = tables([(0, 0, 1), (1, 1, 2), (2, 0, 3)])
    symbols = [0] * length
    assert merge_symbols(symbols, ranks, products) == merge_plainly(symbols, ranks, products)


def test_merge_symbols_of_a_long_pretoken_does_not_take_quadratic_time():
    # 65,536 symbols: the plain loop would look at 2 billion pairs and run into the test's time limit.
    ranks, products = tables([(0, 0, 1), (1, 1, 2), (2, 2, 3)])
    assert merge_symbols([0] * 65_536, ranks, products) == [3] * (65_536 // 8)
