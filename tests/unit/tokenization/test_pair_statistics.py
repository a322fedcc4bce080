from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.tokenization.pair_statistics import PairStatistics, replace_pair
from tests.unit.tokenization.references import BOUNDED, words_of

word_counts = st.dictionaries(words_of("ab", 12), st.integers(1, 5), max_size=8)


def test_replace_pair_takes_overlapping_pairs_from_the_left():
    assert replace_pair([7, 7, 7, 1, 7, 7, 7, 7], (7, 7), 300) == [300, 7, 1, 300, 300]
    assert replace_pair([1, 2, 1], (1, 2), 300) == [300, 1]


def test_most_frequent_pair_of_equals_has_the_greater_bytes():
    statistics = PairStatistics({b"ab": 2, b"ba": 2, b"bab": 1, b"zz": 2})
    assert statistics.most_frequent_pair() == (ord("b"), ord("a"))  # 3 of each; "ba" > "ab"


def test_most_frequent_pair_puts_a_longer_left_side_above_its_prefix():
    statistics = PairStatistics({b"xy": 9, b"xyc": 1, b"xq": 1})
    statistics.merge((ord("x"), ord("y")))
    assert statistics.most_frequent_pair() == (256, ord("c"))  # (b"xy", b"c") > (b"x", b"q")


def test_most_frequent_pair_is_none_when_every_word_is_one_symbol():
    statistics = PairStatistics({b"a": 5, b"ab": 1})
    statistics.merge((ord("a"), ord("b")))
    assert statistics.most_frequent_pair() is None


@BOUNDED
@given(word_counts)
def test_pair_counts_always_equal_a_recount(word_counts):
    statistics = PairStatistics(word_counts)
    while (pair := statistics.most_frequent_pair()) is not None:
        statistics.merge(pair)
        recount = Counter()
        for symbols, count in zip(statistics._words, statistics._word_counts, strict=True):
            for adjacent in pairwise(symbols):
                recount[adjacent] += count
        assert statistics._pair_counts == recount
        spelled = [b"".join(statistics.symbol_bytes[symbol] for symbol in word) for word in statistics._words]
        assert spelled == list(word_counts)
