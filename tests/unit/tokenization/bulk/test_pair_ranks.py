import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.tokenization.bulk.pair_ranks import NO_RANK, NO_SYMBOL, PairRanks
from tests.unit.tokenization.references import BOUNDED

BYTE_SYMBOLS = [*range(-256, -128), *range(1000, 1128)]  # as if half of the bytes had no entry
SYMBOLS = st.sampled_from([-256, -255, -1, 0, 1, 2, 1000, 1001, 1127, 1_000_000])


@BOUNDED
@given(st.lists(st.tuples(SYMBOLS, SYMBOLS), unique=True, max_size=12), st.data())
def test_ranks_of_pairs_are_those_of_the_mapping(pairs, data):
    ranks = {pair: rank for rank, pair in enumerate(pairs)}
    asked = data.draw(st.lists(st.tuples(SYMBOLS, SYMBOLS | st.just(NO_SYMBOL))))
    left, right = np.array([*asked, *pairs], dtype=np.int32).reshape(-1, 2).T
    found = PairRanks(BYTE_SYMBOLS, ranks, [5] * len(pairs)).of(left, right)
    assert found.tolist() == [ranks.get(pair, NO_RANK) for pair in [*asked, *pairs]]


def test_ranks_of_all_pairs_of_bytes_are_those_of_their_symbols():
    ranks = {(BYTE_SYMBOLS[first], BYTE_SYMBOLS[first ^ 0xF0]): first for first in range(256)}
    pair_ranks = PairRanks(BYTE_SYMBOLS, ranks, [5] * 256)
    first, second = np.divmod(np.arange(256**2), 256)
    found = pair_ranks.of_bytes(first.astype(np.uint8), second.astype(np.uint8))
    expected = np.where(second == first ^ 0xF0, first, NO_RANK)
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("ranks", "products", "pairs"),
    [
        ({}, [], []),
        ({(7, 8): 0}, [9], [[7, 8]]),
        # The second merge repeats the first: it has a product but no pair.
        ({(7, 8): 0, (9, 7): 2}, [9, 9, 10], [[7, 8], [NO_SYMBOL, NO_SYMBOL], [9, 7]]),
    ],
)
def test_pairs_and_products_are_found_by_rank(ranks, products, pairs):
    pair_ranks = PairRanks(BYTE_SYMBOLS, ranks, products)
    assert pair_ranks.pairs.tolist() == pairs
    assert pair_ranks.products.tolist() == products
