import pytest
from hypothesis import given

from cs336_basics.tokenization.special_tokens import (
    check_special_tokens,
    compile_special_pattern,
    split_on_special_tokens,
)
from tests.unit.tokenization.references import (
    BOUNDED,
    adversarial_text,
    some_special_tokens,
    split_by_definition,
)


@pytest.mark.parametrize(
    ("special_tokens", "message"),
    [
        (["<a>", ""], "is empty"),
        (["<a>", "b", "<a>"], "'<a>' is given twice"),
        (["\ud800"], "lone surrogate"),
        ("<pad>", r"a list of strings but are '<pad>'; write \['<pad>'\]"),
    ],
)
def test_special_tokens_empty_or_double_or_not_unicode_are_refused(special_tokens, message):
    with pytest.raises(ValueError, match=message):
        check_special_tokens(special_tokens)


def test_special_tokens_are_matched_literally_and_the_longest_first():
    pattern = compile_special_pattern(["<|e|>", "<|e|><|e|>", ".*"])
    pieces = list(split_on_special_tokens("x.<|e|><|e|><|e|>.*y", pattern))
    assert pieces == [("x.", "<|e|><|e|>"), ("", "<|e|>"), ("", ".*"), ("y", None)]


def test_special_tokens_none_leave_the_text_whole():
    assert list(split_on_special_tokens("<|e|>", compile_special_pattern([]))) == [("<|e|>", None)]


@BOUNDED
@given(adversarial_text, some_special_tokens)
def test_special_tokens_found_are_those_of_the_definition(text, special_tokens):
    pieces = list(split_on_special_tokens(text, compile_special_pattern(special_tokens)))
    found = [special_token for _, special_token in pieces[:-1]]
    assert found == [piece for piece, special in split_by_definition(text, special_tokens) if special]
    assert "".join(ordinary + (special_token or "") for ordinary, special_token in pieces) == text
