import pickle
import random
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.tokenization import Tokenizer, merge_table
from cs336_basics.tokenization.bulk import encoding
from cs336_basics.tokenization.bulk.encoding import BulkEncoder
from cs336_basics.tokenization.merge_table import MergeTable
from tests.unit.tokenization.bulk.merge_tables import any_tables, learned_tables
from tests.unit.tokenization.references import (
    BOUNDED,
    SPECIAL_TOKENS,
    adversarial_text,
    any_text,
    encode_by_definition,
    real_text,
    small_vocabulary,
)

BYTES = {byte: bytes([byte]) for byte in range(256)}
words_of_any_length = st.builds(
    lambda letters, length: "".join(random.Random(length).choices(letters, k=length)),
    st.sampled_from(["a", "ab", "aab", "abbb"]),
    st.sampled_from([1, 2, 3, 14, 15, 16, 17, 79, 80, 81, 300]),
)
texts_of_words = st.lists(words_of_any_length, max_size=6).map(" ".join)


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(*small_vocabulary(SPECIAL_TOKENS), SPECIAL_TOKENS)


@pytest.fixture(scope="module")
def encoder(tokenizer):
    """One encoder for all texts, which therefore knows the words of those before."""
    return BulkEncoder(tokenizer._table, tokenizer.special_token_ids)


def new_encoder(vocab, merges, special_token_ids=None):
    return BulkEncoder(MergeTable(vocab, merges), special_token_ids or {})


def ids_or_message(encode, text):
    try:
        return list(encode(text))
    except ValueError as error:
        return str(error)


@BOUNDED
@given(any_text | adversarial_text)
def test_ids_in_bulk_are_those_of_the_definition(tokenizer, encoder, text):
    expected = encode_by_definition(text, tokenizer.vocab, tokenizer.merges, SPECIAL_TOKENS)
    assert encoder.encode(text.encode()).tolist() == expected


def test_ids_in_bulk_of_real_text_are_those_of_encode_plainly(tokenizer, encoder):
    text = real_text()[:400_000]
    for _ in range(2):  # first with new words, then with known ones
        assert encoder.encode(text.encode()).tolist() == tokenizer.encode_plainly(text)


@BOUNDED
@given(
    learned_tables(b"ab ", max_merges=12) | any_tables(b"ab ", max_merges=12),
    st.lists(texts_of_words, min_size=1, max_size=2),
    st.sampled_from([1, 100, 1 << 16]),
)
def test_ids_in_bulk_are_those_of_encode_plainly_for_any_merges(table, texts, long_word_bytes):
    tokenizer = Tokenizer(*table)
    encoder = BulkEncoder(tokenizer._table, {})
    with mock.patch.object(merge_table, "LONG_WORD_BYTES", long_word_bytes):
        for text in texts:
            found = ids_or_message(lambda text: encoder.encode(text.encode()).tolist(), text)
            assert found == ids_or_message(tokenizer.encode_plainly, text)


@pytest.mark.parametrize("width", encoding.SHORT_WORD_WIDTHS)
def test_ids_in_bulk_of_words_around_the_widths_are_those_of_encode_plainly(width):
    merges = [(b"a", b"a"), (b"aa", b"a"), (b"aa", b"aa"), (b"a", b"b"), (b"aaa", b"ab")]
    vocab = {**BYTES, **{256 + rank: left + right for rank, (left, right) in enumerate(merges)}}
    tokenizer = Tokenizer(vocab, merges)
    words = [letters * length for length in range(width - 2, width + 4) for letters in ("a", "é")]
    words += [word[:-1] + "b" for word in words]
    encoder = new_encoder(vocab, merges)
    assert encoder.encode(" ".join(words).encode()).tolist() == tokenizer.encode_plainly(" ".join(words))


def test_ids_in_bulk_take_the_higher_of_two_entries_with_equal_bytes():
    vocab = {**BYTES, 256: b"ab", 257: b"ab", 258: b"c"}
    assert new_encoder(vocab, [(b"a", b"b")]).encode(b"ab abc").tolist() == [257, 32, 257, 258]


def test_ids_in_bulk_of_a_special_token_with_the_bytes_of_a_learned_one_are_its_own():
    vocab = {0: b"ab", **{1 + byte: bytes([byte]) for byte in range(256)}, 257: b"ab", 258: b"cab"}
    tokenizer = Tokenizer(vocab, [(b"a", b"b"), (b"c", b"ab")], ["ab"])
    encoder = BulkEncoder(tokenizer._table, tokenizer.special_token_ids)
    for _ in range(2):
        assert encoder.encode(b"cab ab").tolist() == [1 + ord("c"), 0, 1 + ord(" "), 0]


@BOUNDED
@given(st.lists(adversarial_text | texts_of_words, max_size=4), st.integers(0, 40))
def test_ids_in_bulk_do_not_depend_on_what_is_remembered(tokenizer, texts, max_bytes):
    encoder = BulkEncoder(tokenizer._table, tokenizer.special_token_ids)
    with mock.patch.object(encoding, "MAX_REMEMBERED_BYTES", max_bytes):
        for text in texts:
            assert encoder.encode(text.encode()).tolist() == tokenizer.encode_plainly(text)


def test_words_are_forgotten_when_they_are_too_many(tokenizer, monkeypatch):
    encoder = BulkEncoder(tokenizer._table, tokenizer.special_token_ids)
    learned = []
    merge = encoding.merge_short_words
    monkeypatch.setattr(encoding, "MAX_REMEMBERED_BYTES", 10)
    monkeypatch.setattr(
        encoding,
        "merge_short_words",
        lambda words, *args, **kwargs: learned.extend(words) or merge(words, *args, **kwargs),
    )
    for text in (b"one two", b"one two", b"three", b"one"):
        encoder.encode(text)
    # The first seven bytes are few enough, and nothing new is learned; with five more they are too many.
    assert learned == [b"one", b" two", b"three", b"one"]


@pytest.mark.parametrize("text", ["ab ac", "caab", "bb" * 200 + "c", "ab " + "c" * 20, "a" * 17 + "cb"])
def test_byte_without_an_entry_is_named_in_bulk_as_by_encode_plainly(text):
    tokenizer = Tokenizer({0: b"a", 1: b"b", 2: b" ", 3: b"ab"}, [(b"a", b"b")])
    encoder = BulkEncoder(tokenizer._table, {})
    with pytest.raises(ValueError, match=r"0x63 in '.*' has none") as plain:
        tokenizer.encode_plainly(text)
    for _ in range(2):
        with pytest.raises(ValueError, match="has none") as bulk:
            encoder.encode(text.encode())
        assert str(bulk.value) == str(plain.value)
        assert encoder.encode(b"ab b").tolist() == [3, 2, 1]  # a failure leaves nothing wrong behind


def test_bulk_encoder_of_nothing_gives_no_ids(encoder):
    ids = encoder.encode(b"")
    assert ids.tolist() == []


def test_bulk_encoder_survives_pickling(encoder):
    text = real_text()[:3000].encode() + b"<|e|>"
    assert pickle.loads(pickle.dumps(encoder)).encode(text).tolist() == encoder.encode(text).tolist()
