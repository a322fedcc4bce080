import random
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.tokenization import merge_table
from cs336_basics.tokenization.bulk.long_words import RankedPlaces, is_learning_order, merge_long_word
from cs336_basics.tokenization.bulk.pair_ranks import NO_RANK
from cs336_basics.tokenization.merge_table import LONG_WORD_BYTES, MergeTable
from cs336_basics.tokenization.merging import merge_plainly, merge_with_heap
from tests.unit.tokenization.bulk.merge_tables import any_tables, learned_tables, words_over
from tests.unit.tokenization.references import BOUNDED, small_vocabulary

BYTES = {byte: bytes([byte]) for byte in range(256)}
LETTERS = b"ab\0"


def table_of(merges, vocab=None):
    products = dict.fromkeys(left + right for left, right in merges)
    return MergeTable(vocab or dict(enumerate([*BYTES.values(), *products])), merges)


def merged_in_bulk(table, word):
    """Take the way of long words, whatever the length, if the table has the order for it."""
    with mock.patch.object(merge_table, "LONG_WORD_BYTES", 1):
        return table.merge(word)


def merged_plainly(table, word):
    return merge_plainly([table.byte_symbols[byte] for byte in word], table.ranks, table.products)


@BOUNDED
@given(learned_tables(), words_over(LETTERS, max_size=60))
def test_long_word_has_the_symbols_of_merge_plainly(table, word):
    table = MergeTable(*table)
    assert is_learning_order(table.ranks, table.products)
    symbols = merge_long_word(word, table.pair_ranks, table._num_bytes)
    assert symbols.tolist() == merged_plainly(table, word)


@BOUNDED
@given(learned_tables() | any_tables(), words_over(LETTERS, max_size=60))
def test_merge_table_gives_a_long_word_the_symbols_of_merge_plainly_for_merges_in_any_order(table, word):
    table = MergeTable(*table)
    assert merged_in_bulk(table, word) == merged_plainly(table, word)


@pytest.mark.parametrize("length", range(1, 41))
def test_long_word_of_one_repeated_byte_has_the_symbols_of_merge_plainly(length):
    table = table_of([(b"a", b"a"), (b"aa", b"aa"), (b"aa", b"a"), (b"aaaa", b"aaa"), (b"aaaa", b"aaaa")])
    word = b"a" * length
    assert merge_long_word(word, table.pair_ranks, table._num_bytes).tolist() == merged_plainly(table, word)


@pytest.mark.parametrize("length", [LONG_WORD_BYTES - 1, LONG_WORD_BYTES, LONG_WORD_BYTES + 1])
def test_long_word_at_the_switch_has_the_symbols_of_merge_with_heap(length):
    table = MergeTable(*small_vocabulary([]))
    choose = random.Random(length)
    word = bytes(choose.choices(b"etaoin shr\xc3\xa9\xe4\xb8\xad", k=length))
    symbols = [table.byte_symbols[byte] for byte in word]
    assert table.merge(word) == merge_with_heap(symbols, table.ranks, table.products)


@pytest.mark.parametrize(
    ("merges", "in_order"),
    [
        ([], True),
        ([(b"a", b"b"), (b"ab", b"c")], True),
        ([(b"ab", b"c"), (b"a", b"b")], False),
        ([(b"c", b"ab"), (b"a", b"b")], False),
        ([(b"a", b"b"), (b"ab", b"c"), (b"b", b"c"), (b"a", b"bc")], True),  # makes "abc" twice, then never
        # uses "abc" between its two makers:
        ([(b"a", b"b"), (b"ab", b"c"), (b"abc", b"d"), (b"b", b"c"), (b"a", b"bc")], False),
        ([(b"a", b"b"), (b"ab", b"c"), (b"a", b"b")], True),  # the second listing does nothing
    ],
)
def test_learning_order_is_when_every_merge_follows_the_makers_of_its_symbols(merges, in_order):
    table = table_of(merges)
    assert is_learning_order(table.ranks, table.products) == in_order


@BOUNDED
@given(any_tables(max_merges=5))
def test_learning_order_is_that_of_the_definition(table):
    table = MergeTable(*table)
    expected = all(
        table.products[maker] not in pair or maker < rank
        for pair, rank in table.ranks.items()
        for maker in table.ranks.values()
    )
    assert is_learning_order(table.ranks, table.products) == expected


def test_long_word_is_merged_with_the_heap_where_merges_are_not_in_learning_order(monkeypatch):
    table = table_of([(b"ab", b"c"), (b"a", b"b")])
    monkeypatch.setattr(merge_table, "merge_long_word", lambda *_: pytest.fail("needs the learning order"))
    word = b"abcabdab" * 3
    assert merged_in_bulk(table, word) == merged_plainly(table, word)


def test_long_word_of_bytes_without_an_entry_has_the_symbols_of_merge_plainly():
    vocab = {7: b"ab", 3: b"abab", 9: b"c", 5: b"ca"}
    table = table_of([(b"a", b"b"), (b"ab", b"ab"), (b"c", b"a")], vocab)
    word = b"cababaabbcaabababc"
    symbols = merge_long_word(word, table.pair_ranks, table._num_bytes).tolist()
    assert symbols == merged_plainly(table, word)
    assert min(symbols) < 0


@BOUNDED
@given(st.lists(st.lists(st.tuples(st.integers(0, 4) | st.just(NO_RANK), st.integers(0, 50)), max_size=6)))
def test_ranked_places_come_out_by_rank_in_ascending_order(additions):
    notes = RankedPlaces()
    for addition in additions:
        ranks, places = np.array(addition, dtype=np.int64).reshape(-1, 2).T
        notes.add(ranks.astype(np.int32), places)
    expected = {}
    for rank, place in sorted(note for addition in additions for note in addition):
        if rank != NO_RANK:
            expected.setdefault(rank, []).append(place)
    found = []
    while notes:
        rank, places = notes.pop_lowest()
        found.append((rank, places.tolist()))
    assert found == list(expected.items())
