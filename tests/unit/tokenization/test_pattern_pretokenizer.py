"""Text that is cut where it may be has the pre-tokens of the whole, and other text is not cut."""

from itertools import product
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cs336_basics.tokenization import Tokenizer
from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS
from cs336_basics.tokenization.definition import TokenizerDefinition
from cs336_basics.tokenization.gpt2_pretokenizer import GPT2Pretokenizer
from cs336_basics.tokenization.pattern_pretokenizer import PatternPretokenizer, split_at_space_before_word
from cs336_basics.tokenization.pretokenization_steps import (
    EACH_DIGIT,
    EACH_NUMBER,
    GPT2_STEPS,
    LLAMA3_PATTERN,
    PrefixSpace,
    SplitAround,
)
from tests.unit.tokenization.references import BOUNDED, adversarial_text, any_text

BATCH_CHARACTERS = "cs336_basics.tokenization.pretokenizer.BATCH_CHARACTERS"
KNOWN = [
    GPT2_STEPS,
    (EACH_DIGIT, *GPT2_STEPS),
    (EACH_NUMBER, PrefixSpace(), *GPT2_STEPS),
    (SplitAround(LLAMA3_PATTERN),),
    (SplitAround(LLAMA3_PATTERN), PrefixSpace(), SplitAround("[aeiou]")),
]
UNKNOWN = [
    (SplitAround(r"\p{L}+ \p{L}+"),),
    (SplitAround("x "), *GPT2_STEPS),
    (EACH_DIGIT,),
    (PrefixSpace(),),
    (),
]
texts = adversarial_text | any_text | st.text("a1 \n!'s\r", max_size=30)


@pytest.mark.parametrize("steps", KNOWN)
@settings(BOUNDED, max_examples=60)
@given(texts)
def test_text_in_batches_has_the_pretokens_of_the_whole(steps, text):
    pretokenizer = PatternPretokenizer(steps)
    with mock.patch(BATCH_CHARACTERS, 1):
        batches = list(pretokenizer.batches(text))
    assert [pretoken for batch in batches for pretoken in batch] == pretokenizer.split(text)


@pytest.mark.parametrize("steps", KNOWN)
def test_every_surrounding_of_a_cut_is_safe(steps):
    pretokenizer = PatternPretokenizer(steps)
    characters = ["a", "1", "!", "'", " ", "\n", "\r", "\t", "\u3000", "é"]
    for before in map("".join, product(characters, repeat=2)):
        for first, behind in product("tж中!'\u0301", map("".join, product("as1' \n", repeat=2))):
            whole = pretokenizer.split(f"{before} {first}{behind}")
            assert pretokenizer.split(before) + pretokenizer.split(f" {first}{behind}") == whole


@pytest.mark.parametrize("steps", KNOWN)
@settings(BOUNDED, max_examples=60)
@given(texts, st.integers(0, 10), st.text("a1 \n!'s", max_size=4))
def test_final_pretokens_are_those_of_every_longer_text(steps, text, start, more):
    pretokenizer = PatternPretokenizer(steps)
    pretokens, end = pretokenizer.final_pretokens(text, start, len(text))
    longer = text[start:] + more
    assert pretokenizer.split(longer)[: len(pretokens)] == pretokens
    assert pretokenizer.split(longer[: end - start]) == pretokens


def test_gpt2s_pattern_as_a_step_splits_as_its_own_pretokenizer_does():
    text = "I'll  go \n\n to 12 é's\u3000x"
    assert PatternPretokenizer(GPT2_STEPS).split(text) == GPT2Pretokenizer().split(text)


@pytest.mark.parametrize("steps", UNKNOWN)
def test_text_is_not_cut_where_nothing_is_known(steps):
    assert not split_at_space_before_word(steps)
    pretokenizer = PatternPretokenizer(steps)
    text = "x y " * 20_000
    (batch,) = pretokenizer.batches(text)
    assert batch == pretokenizer.split(text)
    assert pretokenizer.final_pretokens(text, 0, len(text)) == ([], 0)
    assert pretokenizer.cuts.search(text) is None


@pytest.mark.parametrize("word", ["word ", "слово ", "გვერდი ", "\u3053\u3068 "], ids=ascii)
def test_known_steps_let_text_be_cut(word):
    assert all(map(split_at_space_before_word, KNOWN))
    text = word * 100
    for steps in KNOWN:
        pretokenizer = PatternPretokenizer(steps)
        with mock.patch(BATCH_CHARACTERS, 50):
            assert len(list(pretokenizer.batches(text))) > 3
        assert pretokenizer.final_pretokens(text, 0, len(text))[1] > len(text) - 10


@pytest.mark.parametrize(
    ("steps", "text", "pretokens"),
    [
        ((EACH_DIGIT, *GPT2_STEPS), "a 12b", ["a", " ", "1", "2", "b"]),
        ((EACH_NUMBER, *GPT2_STEPS), "a 12b", ["a", " ", "12", "b"]),
        ((PrefixSpace(), *GPT2_STEPS), "a b", [" a", " b"]),
        ((PrefixSpace(), *GPT2_STEPS), " a", [" a"]),
        ((SplitAround(LLAMA3_PATTERN),), "I'LL 2024!\n\n(x", ["I", "'LL", " ", "202", "4", "!\n\n", "(x"]),
        ((SplitAround("[0-9]"),), "ab12", ["ab", "1", "2"]),
        ((), "a b", ["a b"]),
        ((PrefixSpace(),), "", []),
    ],
)
def test_steps_by_hand(steps, text, pretokens):
    assert PatternPretokenizer(steps).split(text) == pretokens


def test_whole_word_is_taken_as_it_is():
    vocab = {**dict(enumerate(BYTE_TOKENS)), 256: b"ab", 257: b"abc"}
    plain = TokenizerDefinition(vocab=vocab, merges=[(b"a", b"b")], special_token_ids={})
    whole = TokenizerDefinition(
        vocab=vocab, merges=[(b"a", b"b")], special_token_ids={}, takes_whole_words=True
    )
    assert Tokenizer.from_definition(plain).encode("abc abc") == [256, 99, 32, 256, 99]
    assert Tokenizer.from_definition(whole).encode("abc abc") == [257, 32, 256, 99]
