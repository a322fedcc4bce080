from collections import Counter
from functools import partial

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.tokenization import bpe_training, pretoken_counts, train_bpe
from cs336_basics.tokenization.bpe_training import learn_merges, train_bpe_plainly
from cs336_basics.tokenization.bulk import text_words
from cs336_basics.tokenization.bulk.merge_learning import BulkPairStatistics
from cs336_basics.tokenization.bulk.word_rows import WordRows
from cs336_basics.tokenization.pair_statistics import PairStatistics
from cs336_basics.tokenization.pretoken_counts import count_pretokens
from tests.unit.tokenization.references import (
    BOUNDED,
    GPT2_ORIGINAL,
    adversarial_text,
    learn_merges_by_definition,
    real_text,
    some_special_tokens,
    split_by_definition,
    words_of,
)

END = "<|endoftext|>"


def write(tmp_path, text):
    (tmp_path / "text.txt").write_bytes(text.encode())
    return tmp_path / "text.txt"


def test_train_bpe_learns_the_merges_of_the_courses_example(tmp_path):
    words = ["low"] * 5 + ["lower"] * 2 + ["widest"] * 3 + ["newest"] * 6
    # Each word a document of its own, so that none takes the space before it.
    vocab, merges = train_bpe(write(tmp_path, END.join(words)), 263, [END])
    expected = [(b"s", b"t"), (b"e", b"st"), (b"o", b"w"), (b"l", b"ow"), (b"w", b"est"), (b"n", b"e")]
    assert merges == expected
    assert vocab[262] == b"ne"


def test_train_bpe_orders_the_vocabulary_special_tokens_then_bytes_then_merges(tmp_path):
    vocab, merges = train_bpe(write(tmp_path, "aaaa bb"), 260, ["<x y>", END])
    assert list(vocab) == list(range(260))
    assert vocab[0] == b"<x y>"
    assert vocab[1] == END.encode()
    assert [vocab[id] for id in range(2, 258)] == [bytes([byte]) for byte in range(256)]
    assert [vocab[258], vocab[259]] == [left + right for left, right in merges]


@BOUNDED
@given(st.dictionaries(words_of("abc", 15), st.integers(1, 4), max_size=10))
@pytest.mark.parametrize("statistics_class", [PairStatistics, BulkPairStatistics])
def test_learned_merges_are_those_of_the_definition_where_counts_tie(statistics_class, word_counts):
    assert learn_merges(statistics_class(word_counts), 60) == learn_merges_by_definition(word_counts, 60)


@BOUNDED
@given(adversarial_text.filter(len), some_special_tokens)
@pytest.mark.filterwarnings("ignore:.*no pair left")
def test_train_bpe_on_adversarial_text_learns_the_merges_of_the_definition(
    tmp_path_factory, text, special_tokens
):
    path = tmp_path_factory.getbasetemp() / "trained.txt"
    path.write_bytes(text.encode())
    _, merges = train_bpe(path, 256 + 30 + len(special_tokens), special_tokens)
    pieces = split_by_definition(text, special_tokens)
    word_counts = Counter(pretoken.encode() for pretoken, special in pieces if not special)
    assert merges == learn_merges_by_definition(word_counts, 30)


def test_train_bpe_on_real_text_learns_the_merges_of_the_definition(tmp_path):
    text = real_text()[:30_000]
    _, merges = train_bpe(write(tmp_path, text), 256 + 1 + 150, [END])
    documents = text.split(END)
    word_counts = Counter(
        word.encode() for document in documents for word in regex.findall(GPT2_ORIGINAL, document)
    )
    assert merges == learn_merges_by_definition(word_counts, 150)


def test_train_bpe_on_real_text_learns_what_train_bpe_plainly_learns(tmp_path):
    text = real_text()[:300_000]
    assert train_bpe(write(tmp_path, text), 1500, [END]) == train_bpe_plainly(text, 1500, [END])


@pytest.mark.parametrize(
    ("text", "special_tokens"),
    [
        (" \n\n \t\r\n   \n \u3000\u3000 \xa0\n\n" * 9, []),
        ("one\r\ntwo\r\n\r\ntwo one's ONE'S\r\n", []),
        ("👨‍👩‍👧👩🏽‍💻 👍🏽👍 e\u0301e\u0301te\u0301 我们，我们。", []),
        ("\0\0a\0\0\0 \0", []),
        ("wo<|e|>rd wo<|e|>rd<|e|><|e|> <|e|>word word<|e|>", ["<|e|>"]),
        ("abcabdabcabd ab abc", ["bc", "b"]),
        ("<|e|><|e|>", ["<|e|>"]),
        ("x", []),
    ],
    ids=["white space", "crlf", "joined", "nul", "special tokens", "overlapping", "only special", "one"],
)
@pytest.mark.filterwarnings("ignore:.*no pair left")
def test_train_bpe_until_no_pair_is_left_learns_what_train_bpe_plainly_learns(tmp_path, text, special_tokens):
    learned = train_bpe(write(tmp_path, text), 3000, special_tokens)
    assert learned == train_bpe_plainly(text, 3000, special_tokens)
    pieces = split_by_definition(text, special_tokens)
    word_counts = Counter(pretoken.encode() for pretoken, special in pieces if not special)
    assert learned[1] == learn_merges_by_definition(word_counts, 3000)


def test_train_bpe_result_does_not_depend_on_how_many_words_are_remembered(tmp_path, monkeypatch):
    text = real_text()[:20_000]
    beginnings = []
    monkeypatch.setattr(text_words, "WordRows", lambda: beginnings.append(None) or WordRows())
    monkeypatch.setattr(pretoken_counts, "MAX_REMEMBERED_WORDS", 30)
    monkeypatch.setattr(bpe_training, "count_pretokens", partial(count_pretokens, chunk_bytes=200))
    learned = train_bpe(write(tmp_path, text), 400, [END], num_workers=1)
    assert learned == train_bpe_plainly(text, 400, [END])
    assert len(beginnings) > 20


def test_train_bpe_never_merges_across_special_tokens_or_into_them(tmp_path):
    vocab, _ = train_bpe(write(tmp_path, "q<|endoftext|>z" * 50 + "endofendof"), 262, [END])
    learned = {vocab[id] for id in range(257, 262)}
    assert b"qz" not in learned
    assert not any(b"|" in token or b"<" in token for token in learned)


def test_train_bpe_merges_pairs_that_occur_once_and_warns_when_none_is_left(tmp_path):
    with pytest.warns(UserWarning, match=r"after 259 of 300 entries"):
        vocab, merges = train_bpe(write(tmp_path, "abcd"), 300, [])
    assert merges == [(b"c", b"d"), (b"b", b"cd"), (b"a", b"bcd")]
    assert len(vocab) == 259


def test_train_bpe_keeps_a_byte_that_is_a_special_token_too(tmp_path):
    vocab, _ = train_bpe(write(tmp_path, "a a bc a aa"), 258, ["a"])
    assert (vocab[0], vocab[1 + ord("a")]) == (b"a", b"a")
    assert vocab[257] == b"bc"  # not b"aa": each "a" of the text is the special token


def test_train_bpe_result_does_not_depend_on_the_order_of_documents(tmp_path):
    documents = real_text()[:20_000].split(END)
    forward = train_bpe(write(tmp_path, END.join(documents)), 400, [END])
    assert train_bpe(write(tmp_path, END.join(reversed(documents))), 400, [END]) == forward


@pytest.mark.parametrize(
    ("vocab_size", "special_tokens", "message"),
    [
        (257, ["<a>", "<b>"], r"at least 258 .* but is 257"),
        (0, [], r"at least 256 .* but is 0"),
        (300, ["<a>", "<a>"], "given twice"),
        (300, [""], "is empty"),
    ],
)
def test_train_bpe_refuses_impossible_arguments(tmp_path, vocab_size, special_tokens, message):
    with pytest.raises(ValueError, match=message):
        train_bpe(write(tmp_path, "text"), vocab_size, special_tokens)


def test_train_bpe_names_the_position_of_a_byte_that_is_not_utf8(tmp_path):
    (tmp_path / "latin.txt").write_bytes("é ".encode() * 700_000 + b"caf\xe9 " + b"more text " * 10)
    with pytest.raises(ValueError, match=r"latin\.txt has byte 0xe9 at position 2100003;"):
        train_bpe(tmp_path / "latin.txt", 300, [])


def test_train_bpe_with_only_bytes_learns_nothing(tmp_path):
    vocab, merges = train_bpe(write(tmp_path, "text"), 256, [])
    assert merges == []
    assert vocab == {byte: bytes([byte]) for byte in range(256)}


def test_train_bpe_shows_progress_only_when_asked(tmp_path, capsys):
    path = write(tmp_path, "some words and some more words")
    train_bpe(path, 260, [])
    assert capsys.readouterr().err == ""
    train_bpe(path, 260, [], progress=True)
    assert "4/4" in capsys.readouterr().err
