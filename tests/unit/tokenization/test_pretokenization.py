import sys
from unittest import mock

import regex
from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.tokenization import pretokenizer
from cs336_basics.tokenization.gpt2_pretokenizer import GPT2Pretokenizer
from cs336_basics.tokenization.pretokenization import find_pretokens
from tests.unit.tokenization.references import BOUNDED, GPT2_ORIGINAL, adversarial_text


def test_pretokens_of_an_example_worked_by_hand():
    text = "I'll  pay $42,\n\n  you're 'royal' é "
    assert next(GPT2Pretokenizer().batches(text)) == [
        *("I", "'ll", " ", " pay", " $", "42", ",", "\n\n ", " you", "'re", " '", "royal", "'", " é", " "),
    ]


@BOUNDED
@given(adversarial_text)
def test_pretokens_are_those_of_gpt2s_original_pattern(text):
    assert find_pretokens(text) == regex.findall(GPT2_ORIGINAL, text)


def test_pretokens_cover_every_code_point():
    text = " x".join(map(chr, range(sys.maxunicode + 1)))
    assert "".join(find_pretokens(text)) == text


@BOUNDED
@given(adversarial_text, st.integers(1, 5))
def test_pretokens_do_not_depend_on_the_size_of_the_batches(text, size):
    with mock.patch.object(pretokenizer, "BATCH_CHARACTERS", size):
        batches = list(GPT2Pretokenizer().batches(text))
    assert [pretoken for batch in batches for pretoken in batch] == regex.findall(GPT2_ORIGINAL, text)


def test_pretokens_of_a_long_text_come_in_bounded_batches():
    batches = list(GPT2Pretokenizer().batches("word " * 100_000))
    assert max(len("".join(batch)) for batch in batches) <= pretokenizer.BATCH_CHARACTERS + 5
