import re

import pytest
from hypothesis import given

from cs336_basics.tokenization import Tokenizer
from cs336_basics.tokenization.display.token_pieces import pieces_of, summary
from tests.unit.tokenization.references import (
    BOUNDED,
    SPECIAL_TOKENS,
    adversarial_text,
    small_vocabulary,
    split_by_definition,
)


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(*small_vocabulary(SPECIAL_TOKENS), SPECIAL_TOKENS)


@BOUNDED
@given(adversarial_text)
def test_pieces_are_the_pretokens_and_special_tokens_with_the_ids_of_encode(tokenizer, text):
    pieces = pieces_of(tokenizer, text)
    assert [(piece.text, piece.is_special) for piece in pieces] == split_by_definition(text, SPECIAL_TOKENS)
    assert [id for piece in pieces for id in piece.ids] == tokenizer.encode(text)
    assert all(tokenizer.decode(piece.ids) == piece.text for piece in pieces)


def test_pieces_of_a_lone_surrogate_are_refused_with_its_position_in_the_text(tokenizer):
    with pytest.raises(ValueError, match=re.escape("U+D800 at position 6")):
        pieces_of(tokenizer, "ab cd \ud800")


def test_summary_counts():
    tokenizer = Tokenizer(
        {**{byte: bytes([byte]) for byte in range(256)}, 256: b"ab"}, [(b"a", b"b")], ["<|e|>"]
    )
    assert summary(pieces_of(tokenizer, "ab é")) == (
        "4 characters, 5 bytes, 2 pre-tokens, 4 tokens, 1.25 bytes per token"
    )
    assert summary(pieces_of(tokenizer, "a")) == (
        "1 character, 1 byte, 1 pre-token, 1 token, 1.00 bytes per token"
    )
    assert summary(pieces_of(tokenizer, "ab<|e|>" * 1000)) == (
        "7,000 characters, 7,000 bytes, 1,000 pre-tokens, 1,000 special tokens, 2,000 tokens in all, "
        "3.50 bytes per token"
    )
    assert summary([]) == "0 characters, 0 bytes, 0 pre-tokens, 0 tokens"
