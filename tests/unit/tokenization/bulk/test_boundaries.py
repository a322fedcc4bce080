import itertools
import random

import numpy as np
import pytest
import regex
from hypothesis import given

from cs336_basics.tokenization.bulk.boundaries import pretoken_starts
from cs336_basics.tokenization.special_tokens import compile_special_bytes_pattern
from tests.unit.tokenization.references import (
    BOUNDED,
    GPT2_ORIGINAL,
    SPECIAL_TOKENS,
    adversarial_text,
    any_text,
    some_special_tokens,
    split_by_definition,
)

CODE_POINTS = [*range(0xD800), *range(0xE000, 0x110000)]  # all but the surrogates
NEIGHBOURS = [
    "",
    "a",
    "1",
    "!",
    " ",
    "  ",
    "\n",
    "\xa0",
    "\u3000",
    "'",
    "'s",
    "'l",
    "'ll",
    "é",
    "中",
    "<|e|>",
]
CONTRACTIONS = ["'s", "'d", "'m", "'t", "'ll", "'ve", "'re"]


def pretokens_in_bulk(text, special_tokens):
    data = text.encode()
    starts = pretoken_starts(data, compile_special_bytes_pattern(special_tokens)).tolist()
    return [data[start:end].decode() for start, end in itertools.pairwise([*starts, len(data)])]


def assert_pretokens_in_bulk_are(pieces, special_tokens):
    """Compare quickly where there are millions of them; show where the first difference is."""
    data = "".join(pieces).encode()
    found = pretoken_starts(data, compile_special_bytes_pattern(special_tokens))
    expected = np.cumsum([0, *map(len, map(str.encode, pieces))])[:-1]
    if not np.array_equal(found, expected):
        place = np.setxor1d(found, expected)[0]
        pytest.fail(f"at {data[max(0, place - 20) : place]!r} | {data[place : place + 20]!r}")


def characters_of_every_kind_and_length():
    """ASCII, all white space, and of each kind some characters of each length in UTF-8."""
    text = "".join(map(chr, CODE_POINTS))
    characters = {*map(chr, range(0x80)), *regex.findall(r"\s", text), *"\u200b\ufeff\u200d\ufe0f\u0301"}
    for kind in (r"\p{L}", r"\p{N}", r"[^\s\p{L}\p{N}]"):
        for first, last in ("\x80\u07ff", "\u0800\uffff", "\U00010000\U0010ffff"):
            members = regex.findall(f"[{first}-{last}&&{kind}]", text, flags=regex.VERSION1)
            characters |= {members[0], members[-1], *random.Random(1).sample(members, 4)}
    return sorted(characters)


def test_pretoken_starts_of_an_example_worked_by_hand():
    starts = pretoken_starts("I'll  go\n é<|e|>s".encode(), compile_special_bytes_pattern(["<|e|>"]))
    assert starts.tolist() == [0, 1, 4, 5, 8, 9, 12, 17]


def test_pretoken_starts_classify_every_code_point_as_the_pattern_does():
    for start in range(0, len(CODE_POINTS), 1 << 16):
        characters = map(chr, CODE_POINTS[start : start + (1 << 16)])
        text = "".join([f"1{character} {character}a" for character in characters])
        assert_pretokens_in_bulk_are(regex.findall(GPT2_ORIGINAL, text), [])


def test_pretoken_starts_classify_characters_next_to_any_neighbours():
    separator = "<|e|>"  # begins the text anew
    pieces = []
    for character in characters_of_every_kind_and_length():
        for left, right in itertools.product(NEIGHBOURS, repeat=2):
            for stretch in f"{left}{character}{right}".split(separator):
                pieces += [*regex.findall(GPT2_ORIGINAL, stretch), separator]
    assert_pretokens_in_bulk_are(pieces, [separator])


def test_pretoken_starts_are_right_for_every_short_text_of_critical_characters():
    separator = "<|e|>"  # also what every one of the texts begins and ends next to
    pieces = []
    for length in range(6):
        for characters in itertools.product(" \n\u3000'slea1<", repeat=length):
            pieces += [*regex.findall(GPT2_ORIGINAL, "".join(characters)), separator]
    assert_pretokens_in_bulk_are(pieces, [separator])


@BOUNDED
@given(any_text)
def test_pretoken_starts_of_any_text_are_those_of_the_pattern(text):
    assert pretokens_in_bulk(text, []) == regex.findall(GPT2_ORIGINAL, text)


@BOUNDED
@given(adversarial_text, some_special_tokens)
def test_pretoken_starts_among_special_tokens_are_those_of_the_definition(text, special_tokens):
    expected = [piece for piece, _ in split_by_definition(text, special_tokens)]
    assert pretokens_in_bulk(text, special_tokens) == expected


@pytest.mark.parametrize("contraction", CONTRACTIONS)
@pytest.mark.parametrize("change", [str.lower, str.upper, str.title, lambda ending: ending.replace("'", "’")])
def test_pretoken_starts_around_contractions_are_those_of_the_definition(contraction, change):
    ending = change(contraction)
    before = ["", "x", "é", "1", "!", " ", "  ", "\n", "\xa0", "'", "\u0301", "中", "<|e|>", " <|e|>"]
    behind = ["", "x", "é", "1", "!", " ", "\n", "'", ending, "\u0301", "l", "<|e|>", "<|e|>x"]
    for left, right in itertools.product(before, behind):
        text = left + ending + right
        expected = [piece for piece, _ in split_by_definition(text, ["<|e|>"])]
        assert pretokens_in_bulk(text, ["<|e|>"]) == expected


@pytest.mark.parametrize("special_token", ["'s", "s", "'", "'l", "ll", "e", "le", " ", "  ", "\n", "é"])
def test_pretoken_starts_with_special_tokens_that_look_like_text_are_those_of_the_definition(special_token):
    alphabet = ["'s", "'ll", "'re", "'", " ", "é\n", "le"]
    for text in map("".join, itertools.product(alphabet, repeat=3)):
        expected = [piece for piece, _ in split_by_definition(text, [special_token])]
        assert pretokens_in_bulk(text, [special_token]) == expected


@pytest.mark.parametrize(
    "text",
    [
        "\0",
        "a\0\0b \0 1\0'\0s",
        "one\r\ntwo\r\n\r\n three\r\n",
        "\r\n\r\n",
        "e\u0301te\u0301 \u0301 a\u0301\u0302b \u0903\u0939\u093f\u0928\u094d\u0926\u0940",
        "👨‍👩‍👧 👩🏽‍💻👍🏽 🇩🇪🇫🇷 ☺️'s ☺️ 1️⃣",
        "我们去。 她说：「好」\u3000二〇二六年 第3章",
        "שלום 'עולם' ١٢٣ مرحبا\u200f بالعالم،\u200e ٤٥",
        "x\u2028\u2029\x85y \x1c\x1f z\u200b\ufeff",
        " ",
        "'",
        "",
    ],
)
def test_pretoken_starts_of_texts_of_the_world_are_those_of_the_pattern(text):
    expected = [piece for piece, _ in split_by_definition(text * 2, SPECIAL_TOKENS)]
    assert pretokens_in_bulk(text * 2, SPECIAL_TOKENS) == expected
