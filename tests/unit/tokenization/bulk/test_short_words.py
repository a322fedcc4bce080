import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.tokenization.bulk.pair_ranks import NO_SYMBOL
from cs336_basics.tokenization.bulk.short_words import merge_short_words
from cs336_basics.tokenization.merge_table import MergeTable
from cs336_basics.tokenization.merging import merge_plainly
from tests.unit.tokenization.bulk.merge_tables import any_tables, learned_tables, words_over
from tests.unit.tokenization.references import BOUNDED, real_text, small_vocabulary


def symbols_in_bulk(table, words, max_bytes):
    """Return the symbols of each word; what stands behind them must be no symbol."""
    symbols = merge_short_words(words, table.pair_ranks, max_bytes=max_bytes)
    lengths = (symbols != NO_SYMBOL).sum(axis=1)
    assert np.array_equal(symbols != NO_SYMBOL, np.arange(max_bytes) < lengths[:, None])
    return [row[:length] for row, length in zip(symbols.tolist(), lengths.tolist(), strict=True)]


def symbols_plainly(table, words):
    byte_symbols = table.byte_symbols
    return [
        merge_plainly([byte_symbols[byte] for byte in word], table.ranks, table.products) for word in words
    ]


@BOUNDED
@given(learned_tables() | any_tables(), st.lists(words_over(b"ab\0", max_size=16), max_size=8))
def test_short_words_have_the_symbols_of_merge_plainly(table, words):
    table = MergeTable(*table)
    assert symbols_in_bulk(table, words, 16) == symbols_plainly(table, words)


@BOUNDED
@given(learned_tables() | any_tables(), st.integers(17, 80))
def test_short_words_of_up_to_80_bytes_have_the_symbols_of_merge_plainly(table, length):
    table = MergeTable(*table)
    words = [bytes(random.Random(length).choices(letters, k=length)) for letters in (b"ab\0", b"aab")]
    assert symbols_in_bulk(table, words, 80) == symbols_plainly(table, words)


@pytest.mark.parametrize("max_bytes", [1, 2, 16, 80])
def test_short_words_of_one_repeated_byte_have_the_symbols_of_merge_plainly(max_bytes):
    merges = [(b"a", b"a"), (b"aa", b"aa"), (b"aa", b"a"), (b"aaaa", b"aaa")]
    vocab = dict(enumerate([b"a", *(left + right for left, right in merges)]))
    table = MergeTable(vocab, merges)
    words = [b"a" * length for length in range(1, max_bytes + 1)]
    assert symbols_in_bulk(table, words, max_bytes) == symbols_plainly(table, words)


def test_short_words_of_real_text_have_the_symbols_of_merge_plainly():
    table = MergeTable(*small_vocabulary([]))
    words = [word for word in sorted(set(real_text()[:60_000].encode().split(b" "))) if 1 <= len(word) <= 16]
    assert len(words) > 1000
    assert symbols_in_bulk(table, words, 16) == symbols_plainly(table, words)
