import sys
from itertools import product

import pytest
import regex

from cs336_basics.tokenization import Tokenizer
from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS
from cs336_basics.tokenization.interchange.unicode_differences import (
    code_points_huggingface_splits_differently,
    code_points_new_since_unicode_16,
    code_points_tiktoken_splits_differently,
)
from tests.unit.tokenization.interchange.test_exports import huggingface_peer, tiktoken_peer

KINDS = {r"\p{L}": "a", r"\p{N}": "1", r"[^\s\p{L}\p{N}]": "!", r"\s": "a1!"}


@pytest.fixture(scope="module")
def tokenizer():
    """A tokenizer whose ids show whether a character is in one pre-token with the one before it."""
    merges = [(context.encode(), byte) for context, byte in product("a1!", BYTE_TOKENS)]
    return Tokenizer(dict(enumerate([*BYTE_TOKENS, *map(b"".join, merges)])), merges)


@pytest.fixture(scope="module")
def probes():
    """Return a text for each character: behind one of its own kind, white space behind each kind."""
    everything = "".join(map(chr, (*range(0xD800), *range(0xE000, sys.maxunicode + 1))))
    return {
        character: "".join(context + character for context in contexts)
        for kind, contexts in KINDS.items()
        for character in regex.findall(kind, everything)
    }


def in_pieces(texts: list[str], size: int, *, separator: str) -> list[str]:
    return [separator.join(texts[start : start + size]) for start in range(0, len(texts), size)]


@pytest.mark.parametrize(
    ("find", "make_peer", "every"),
    [
        (code_points_huggingface_splits_differently, huggingface_peer, 16),
        pytest.param(
            code_points_huggingface_splits_differently, huggingface_peer, 1, marks=pytest.mark.endurance
        ),
        pytest.param(code_points_tiktoken_splits_differently, tiktoken_peer, 1, marks=pytest.mark.endurance),
    ],
)
def test_exactly_the_code_points_found_are_split_differently(find, make_peer, every, tokenizer, probes):
    differing = find()
    assert differing == sorted(set(differing))
    assert differing == code_points_new_since_unicode_16()
    assert len(probes) == sys.maxunicode + 1 - 2048
    peer = make_peer(tokenizer)
    others = dict(probes)
    for code_point in differing:
        text = others.pop(chr(code_point))
        assert code_point % every or peer.encode(text) != tokenizer.encode(text), f"U+{code_point:04X}"
    lines = in_pieces(list(others.values())[::every], 40, separator="")
    for text in in_pieces(lines, 500, separator="\n"):
        assert peer.encode(text) == tokenizer.encode(text)


@pytest.mark.parametrize(
    ("find", "package"),
    [
        (code_points_tiktoken_splits_differently, "tiktoken"),
        (code_points_huggingface_splits_differently, "tokenizers"),
    ],
)
def test_missing_library_is_an_import_error(monkeypatch, find, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=package):
        find()
