import operator
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.tokenization.bulk import word_rows
from cs336_basics.tokenization.bulk.word_rows import WordRows
from tests.unit.tokenization.bulk.merge_tables import words_over
from tests.unit.tokenization.references import BOUNDED

# With the seven bytes in front, many have the same head; with few behind them, the same tail.
words = st.builds(operator.add, st.sampled_from([b"", b"a" * 7, b"b" * 7]), words_over(b"a\0", max_size=10))
texts = st.lists(st.lists(words, max_size=8), max_size=6)


def rows_of(rows, words):
    lengths = np.array([len(word) for word in words], dtype=np.int64)
    return rows.rows_of(b"".join(words), np.cumsum(lengths) - lengths, lengths).tolist()


def rows_by_definition(texts):
    numbers = {}
    return [[numbers.setdefault(word, len(numbers)) for word in words] for words in texts]


def similar_words():
    """Words of each length up to 20 and some beyond that differ in one byte, or in length only."""
    letters = bytes(range(ord("a"), ord("a") + 20)) * 20
    words = set()
    for length in [*range(1, 21), 127, 128, 254, 255, 256, 257, 300, 400]:
        word = letters[:length]
        words |= {word, word[:-1] + b"\0", bytes(length), b"\xff" * length}
        for place in range(min(length, 24)):
            for change in (0x01, 0x80):
                words.add(word[:place] + bytes([word[place] ^ change]) + word[place + 1 :])
    return sorted(words)


def assert_similar_words_have_rows_of_their_own():
    words = similar_words()
    rows = WordRows()
    for seed in range(3):  # the first time they are learned, then recognised, next to other neighbours
        shuffled = random.Random(seed).sample(words, len(words))
        found = rows_of(rows, shuffled)
        assert sorted(found) == list(range(len(words)))
        assert [rows.words[row] for row in found] == shuffled


def test_rows_of_similar_words_differ():
    assert_similar_words_have_rows_of_their_own()


def test_rows_of_words_in_the_same_slot_differ(monkeypatch):
    monkeypatch.setattr(word_rows, "HEAD_MULTIPLIER", np.uint64(0))
    monkeypatch.setattr(word_rows, "TAIL_MULTIPLIER", np.uint64(0))
    assert_similar_words_have_rows_of_their_own()


@BOUNDED
@given(texts, st.booleans())
def test_rows_number_the_words_in_the_order_in_which_they_are_met(texts, all_in_one_slot):
    with pytest.MonkeyPatch.context() as patch:
        if all_in_one_slot:
            patch.setattr(word_rows, "HEAD_MULTIPLIER", np.uint64(0))
            patch.setattr(word_rows, "TAIL_MULTIPLIER", np.uint64(0))
        rows = WordRows()
        assert [rows_of(rows, words) for words in texts] == rows_by_definition(texts)


@pytest.mark.parametrize("length", [1, 7, 8, 15, 16, 255])
def test_rows_are_found_for_words_that_were_looked_up_one_by_one(length):
    words = [bytes([letter]) * length for letter in b"abc"]
    rows = WordRows()
    assert [rows[word] for word in words] == [0, 1, 2]
    assert rows_of(rows, words[::-1]) == [2, 1, 0]


def test_rows_of_words_up_to_15_bytes_are_remembered_without_the_dictionary():
    words = [bytes([ord("a") + length]) * length for length in range(1, 16)]
    rows = WordRows()
    rows_of(rows, words)
    rows.clear()
    assert rows_of(rows, words[::-1]) == list(range(15))[::-1]
    assert not rows
    rows_of(rows, [b"p" * 16])
    assert len(rows) == 1


def test_rows_of_no_words_are_none():
    assert rows_of(WordRows(), []) == []
