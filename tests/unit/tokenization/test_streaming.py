from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.tokenization import gpt2_pretokenizer, streaming
from cs336_basics.tokenization.gpt2_pretokenizer import GPT2Pretokenizer
from cs336_basics.tokenization.streaming import StreamSplitter
from tests.unit.tokenization.references import (
    BOUNDED,
    SPECIAL_TOKENS,
    adversarial_text,
    some_special_tokens,
    split_by_definition,
)


def splitter(special_tokens):
    return StreamSplitter(GPT2Pretokenizer(), special_tokens)


def split(pieces, special_tokens, scan_characters=1):
    result = []
    with mock.patch.object(streaming, "SCAN_CHARACTERS", scan_characters):
        for text, pretokens, special_token in splitter(special_tokens).split(pieces):
            assert "".join(pretokens) == text
            result += [(pretoken, False) for pretoken in pretokens]
            result += [(special_token, True)] if special_token is not None else []
    return result


@pytest.mark.parametrize(
    "text",
    [
        "you're",
        "x'll'",
        "a  b",
        "a \n b",
        "<|e|><|f|>",
        "<|e|><|e|>",
        "x<|e|",
        "<|e|><",
        "  <|e|>",
        "a  <|e",
        "'",
        "",
    ],
)
def test_stream_splits_like_the_whole_text_for_each_cut_in_two(text):
    expected = split_by_definition(text, SPECIAL_TOKENS)
    for place in range(len(text) + 1):
        assert split([text[:place], text[place:]], SPECIAL_TOKENS) == expected


@BOUNDED
@given(
    st.lists(adversarial_text | st.sampled_from(list("<|e>f' re\n"))), some_special_tokens, st.integers(1, 9)
)
def test_stream_splits_like_the_whole_text_for_any_pieces(pieces, special_tokens, scan_characters):
    expected = split_by_definition("".join(pieces), special_tokens)
    assert split(pieces, special_tokens, scan_characters) == expected


@BOUNDED
@given(adversarial_text, some_special_tokens)
def test_stream_splits_like_the_whole_text_one_character_at_a_time(text, special_tokens):
    assert split(text, special_tokens) == split_by_definition(text, special_tokens)


def test_stream_waits_for_a_longer_special_token():
    batches = splitter(["<a>", "<a><b>"]).split(iter(["<a", "><b", ">"]))
    assert [token for _, _, token in batches if token] == ["<a><b>"]


def test_stream_yields_before_its_input_ends():
    def endless():
        while True:
            yield "word "

    _, first, _ = next(splitter(["<a>"]).split(endless()))
    assert first[:3] == ["word", " word", " word"]


def test_stream_cuts_a_huge_piece_into_small_batches():
    batches = list(splitter([]).split(["word " * 50_000]))
    assert max(len("".join(pretokens)) for _, pretokens, _ in batches) < 2 * streaming.SCAN_CHARACTERS


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000, " " * 300_000, "<" * 300_000], ids=["a", "space", "prefix"]
)
def test_stream_looks_at_a_long_pretoken_a_logarithmic_number_of_times(text, monkeypatch):
    looked_at = []
    find = gpt2_pretokenizer.find_pretokens

    def counting(text, start=0, end=None):
        looked_at.append((len(text) if end is None else end) - start)
        return find(text, start, end)

    monkeypatch.setattr(gpt2_pretokenizer, "find_pretokens", counting)
    batches = list(splitter(["<|e|>"]).split(text))
    assert [pretoken for _, pretokens, _ in batches for pretoken in pretokens] == [text]
    assert sum(looked_at) < 3 * len(text)
