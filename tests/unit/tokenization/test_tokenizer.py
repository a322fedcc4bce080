import pickle
import re
from functools import partial
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.tokenization import Tokenizer
from cs336_basics.tokenization import tokenizer as tokenizer_module
from cs336_basics.tokenization.chunking import CHUNK_BYTES, chunk_ranges_of
from tests.unit.tokenization.references import (
    BOUNDED,
    SPECIAL_TOKENS,
    adversarial_text,
    any_text,
    encode_by_definition,
    real_text,
    small_vocabulary,
)

HANDOUT_VOCAB = dict(enumerate([b" ", b"a", b"c", b"e", b"h", b"t", b"th", b" c", b" a", b"the", b" at"]))
HANDOUT_MERGES = [(b"t", b"h"), (b" ", b"c"), (b" ", b"a"), (b"th", b"e"), (b" a", b"t")]
BYTES = {byte: bytes([byte]) for byte in range(256)}


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(*small_vocabulary(SPECIAL_TOKENS), SPECIAL_TOKENS)


def encode_in_bulk(tokenizer, text, chunk_bytes=CHUNK_BYTES):
    """Encode a text of any length as if it were a long one."""
    ranges = partial(chunk_ranges_of, chunk_bytes=chunk_bytes)
    with (
        mock.patch.object(tokenizer_module, "BULK_CHARACTERS", 0),
        mock.patch.object(tokenizer_module, "chunk_ranges_of", ranges),
    ):
        return tokenizer.encode(text)


def test_encode_the_courses_example():
    tokenizer = Tokenizer(HANDOUT_VOCAB, HANDOUT_MERGES)
    assert tokenizer.encode("the cat ate") == [9, 7, 1, 5, 10, 3]
    assert tokenizer.decode([9, 7, 1, 5, 10, 3]) == "the cat ate"
    with pytest.raises(ValueError, match="0x78 in 'x' has none"):
        tokenizer.encode("x")


@BOUNDED
@given(adversarial_text)
def test_encode_gives_the_ids_of_the_definition(tokenizer, text):
    expected = encode_by_definition(text, tokenizer.vocab, tokenizer.merges, SPECIAL_TOKENS)
    assert tokenizer.encode(text) == expected


@BOUNDED
@given(st.data(), st.text("ab", max_size=12))
def test_encode_gives_the_ids_of_the_definition_for_merges_in_any_order(data, text):
    merges = [
        (b"a", b"b"),
        (b"b", b"a"),
        (b"ab", b"a"),
        (b"a", b"a"),
        (b"aa", b"b"),
        (b"ba", b"b"),
        (b"ab", b"ab"),
    ]
    merges = data.draw(st.permutations(merges))
    products = dict.fromkeys(left + right for left, right in merges)
    vocab = dict(enumerate([*BYTES.values(), *products]))
    assert Tokenizer(vocab, merges).encode(text) == encode_by_definition(text, vocab, merges, [])


def test_encode_real_text_gives_the_ids_of_the_definition(tokenizer):
    text = real_text()[5_000:12_000]
    assert tokenizer.encode(text) == encode_by_definition(
        text, tokenizer.vocab, tokenizer.merges, SPECIAL_TOKENS
    )


@BOUNDED
@given(any_text | adversarial_text, st.sampled_from([1, 3, 10, CHUNK_BYTES]))
def test_encode_in_bulk_gives_the_ids_of_encode_plainly(tokenizer, text, chunk_bytes):
    assert encode_in_bulk(tokenizer, text, chunk_bytes) == tokenizer.encode_plainly(text)


@pytest.mark.parametrize("length", [-1, 0, 1])
def test_encode_gives_the_ids_of_encode_plainly_on_both_sides_of_the_switch(tokenizer, length):
    text = real_text()[: tokenizer_module.BULK_CHARACTERS + length]
    assert tokenizer.encode(text) == tokenizer.encode_plainly(text)


def test_encode_several_chunks_gives_the_ids_of_encode_plainly(tokenizer):
    # Special tokens, some of them with spaces, lie across and around all places where a chunk may end.
    around = ["<|e|>", " <|e|><|f|>", "a b", " .* ", "\n\n", "  <", " x", "\n<|e|>", "é\u3000", " 中中"] * 300
    text = ("x" * (CHUNK_BYTES - 3000) + "".join(around)) * 2 + real_text()
    assert tokenizer.encode(text) == tokenizer.encode_plainly(text)


def test_encode_long_text_without_a_place_to_cut_gives_the_ids_of_encode_plainly(tokenizer):
    text = "!?" * CHUNK_BYTES + "\0" * 1000
    assert tokenizer.encode(text) == tokenizer.encode_plainly(text)


@BOUNDED
@given(any_text | adversarial_text)
def test_decode_gives_any_text_back(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


@BOUNDED
@given(st.lists(adversarial_text, max_size=6))
def test_encode_iterable_gives_the_ids_of_the_joined_text(tokenizer, pieces):
    assert list(tokenizer.encode_iterable(pieces)) == tokenizer.encode("".join(pieces))


@pytest.mark.parametrize("size", [1, 7, 1000, 100_000])
def test_encode_iterable_of_real_text_does_not_depend_on_the_pieces(tokenizer, size):
    text = real_text()[:60_000] + "<|e|><|f|>" * 3 + " " * 5000 + "x" * 9000
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert list(tokenizer.encode_iterable(pieces)) == tokenizer.encode(text)


def test_encode_iterable_is_lazy(tokenizer):
    def pieces():
        yield "some words " * 1000
        pytest.fail("read on before the first id was asked for")

    assert isinstance(next(tokenizer.encode_iterable(pieces())), int)


def test_two_encode_iterables_do_not_disturb_each_other(tokenizer):
    text = real_text()[:20_000]
    pairs = zip(tokenizer.encode_iterable([text]), tokenizer.encode_iterable([text]), strict=True)
    assert list(pairs) == [(id, id) for id in tokenizer.encode(text)]


def test_special_tokens_missing_from_the_vocabulary_get_the_next_ids():
    vocab = dict(BYTES)
    tokenizer = Tokenizer(vocab, [], ["<b>", "<a>"])
    assert vocab == BYTES
    assert tokenizer.special_token_ids == {"<b>": 256, "<a>": 257}
    assert tokenizer.special_tokens == ["<b>", "<a>"]
    assert tokenizer.vocab_size == 258
    assert tokenizer.encode("x<a><b>") == [ord("x"), 257, 256]
    assert tokenizer.decode([257, 256]) == "<a><b>"


def test_special_tokens_present_keep_their_id_and_gaps_count_in_vocab_size():
    tokenizer = Tokenizer({**BYTES, 1000: b"<a>"}, [], ["<a>", "<b>"])
    assert tokenizer.special_token_ids == {"<a>": 1000, "<b>": 1001}
    assert tokenizer.vocab_size == 1002


def test_special_token_text_is_ordinary_where_none_is_listed():
    tokenizer = Tokenizer({0: b"<a>", **{1 + byte: bytes([byte]) for byte in range(256)}}, [])
    assert tokenizer.special_token_ids == {}
    assert tokenizer.encode("<a>") == [1 + byte for byte in b"<a>"]


def test_special_token_with_the_bytes_of_a_learned_token_keeps_its_own_id():
    vocab = {0: b"a", **{1 + byte: bytes([byte]) for byte in range(256)}}
    assert Tokenizer(vocab, []).encode("ba") == [1 + ord("b"), 1 + ord("a")]
    assert Tokenizer(vocab, [], ["a"]).encode("ba") == [1 + ord("b"), 0]


def test_special_tokens_overlapping_are_matched_longest_first():
    tokenizer = Tokenizer(BYTES, [], ["<|e|>", "<|e|><|e|>"])
    assert tokenizer.encode("<|e|><|e|><|e|>") == [257, 256]


@pytest.mark.parametrize(
    ("vocab", "special_tokens", "message"),
    [
        (BYTES, ["<a>", "<a>"], "given twice"),
        (BYTES, [""], "is empty"),
        ({}, None, "has no entry"),
        ({-1: b"a"}, None, "has the id -1"),
    ],
)
def test_tokenizer_refuses_bad_vocabularies_and_special_tokens(vocab, special_tokens, message):
    with pytest.raises(ValueError, match=message):
        Tokenizer(vocab, [], special_tokens)


def test_decode_replaces_bytes_that_are_not_utf8():
    tokenizer = Tokenizer(BYTES, [])
    assert tokenizer.decode(b"\xe4\xb8") == "\ufffd"
    assert tokenizer.decode(b"a\xff\xe4\xb8\xad") == "a\ufffd中"
    assert tokenizer.decode([]) == ""


@pytest.mark.parametrize("id", [256, -1])
def test_decode_names_an_id_outside_the_vocabulary(id):
    with pytest.raises(ValueError, match=rf"size 256 but one is {id};"):
        Tokenizer(BYTES, []).decode([65, id])


def test_lone_surrogate_is_named_with_its_position_in_the_text(tokenizer):
    text = "a" * 10_000 + "<|e|> b\ud800c"
    with pytest.raises(ValueError, match=re.escape("U+D800 at position 10007;")):
        tokenizer.encode(text)
    with pytest.raises(ValueError, match=re.escape("U+D800 at position 10007;")):
        list(tokenizer.encode_iterable([text[:3], "", text[3:]]))


@pytest.mark.parametrize("position", [0, 70_001, 150_000 - 1])
def test_lone_surrogate_in_a_long_text_is_named_with_its_position(tokenizer, position):
    text = ("é 中<|e|> " * 20_000)[:150_000]
    text = text[:position] + "\udfff" + text[position + 1 :]
    assert len(text) > tokenizer_module.BULK_CHARACTERS
    with pytest.raises(ValueError, match="has the lone surrogate") as in_bulk:
        tokenizer.encode(text)
    with pytest.raises(ValueError, match=re.escape(f"U+DFFF at position {position};")) as plainly:
        tokenizer.encode_plainly(text)
    assert str(in_bulk.value) == str(plainly.value)


def test_byte_without_an_entry_in_a_long_text_is_named_as_by_encode_plainly():
    tokenizer = Tokenizer({0: b"a", 1: b" ", 2: b"aa"}, [(b"a", b"a")])
    text = "aaa a " * 50_000 + "aab" + " caaa" * 1000
    assert len(text) > tokenizer_module.BULK_CHARACTERS
    with pytest.raises(ValueError, match="0x62 in ' aab' has none") as in_bulk:
        tokenizer.encode(text)
    with pytest.raises(ValueError, match="has none") as plainly:
        tokenizer.encode_plainly(text)
    assert str(in_bulk.value) == str(plainly.value)


def test_tokenizer_survives_pickling(tokenizer):
    text = real_text()[:2000]
    copy = pickle.loads(pickle.dumps(tokenizer))
    assert copy.encode(text + "<|e|>") == tokenizer.encode(text + "<|e|>")


def test_ids_of_arrays_and_tensors_are_ids():
    tokenizer = Tokenizer(BYTES, [])
    ids = tokenizer.encode("né")
    for same in (np.array(ids, dtype=np.uint16), torch.tensor(ids), [torch.tensor(id) for id in ids]):
        assert tokenizer.decode(same) == "né"  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="float"):
        tokenizer.decode([104.0])  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("vocab", [{b"a": 0}, {0: "a"}, {"0": b"a"}], ids=str)
def test_a_vocabulary_that_is_the_wrong_way_round_is_refused(vocab):
    with pytest.raises(ValueError, match="must map ids to bytes but maps"):
        Tokenizer(vocab, [])
