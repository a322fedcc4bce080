"""A text as its pieces, pre-tokens and special tokens, each with its ids, and how far that compresses it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cs336_basics.tokenization.special_tokens import compile_special_pattern, split_on_special_tokens
from cs336_basics.tokenization.tokenizer import Tokenizer


@dataclass(frozen=True)
class Piece:
    """A pre-token or a special token."""

    text: str
    ids: list[int]
    is_special: bool


def pieces_of(tokenizer: Tokenizer, text: str) -> list[Piece]:
    """Return the pieces of `text` in order; their ids joined are those of `tokenizer.encode(text)`.

    Raises `ValueError` as `encode` does.
    """
    ids = iter(tokenizer.encode(text))
    pieces = []
    special_pattern = compile_special_pattern(tokenizer.special_tokens)
    for ordinary_text, special_token in split_on_special_tokens(text, special_pattern):
        for pretokens in tokenizer.pretokenizer.batches(ordinary_text):
            pieces += [
                Piece(pretoken, _take(ids, tokenizer.vocab, pretoken), False) for pretoken in pretokens
            ]
        if special_token is not None:
            pieces.append(Piece(special_token, [next(ids)], True))
    return pieces


def _take(ids: Iterator[int], vocab: Mapping[int, bytes], pretoken: str) -> list[int]:
    """Take the ids of one pre-token: no token crosses its end, so these are as many as make its bytes."""
    taken = []
    num_bytes = len(pretoken.encode())
    while num_bytes > 0:
        taken.append(next(ids))
        num_bytes -= len(vocab[taken[-1]])
    return taken


def summary(pieces: Sequence[Piece]) -> str:
    """Count: "11 characters, 11 bytes, 2 pre-tokens, 4 tokens, 2.75 bytes per token"."""
    text = "".join(piece.text for piece in pieces)
    num_bytes = len(text.encode())
    num_special = sum(piece.is_special for piece in pieces)
    num_tokens = sum(len(piece.ids) for piece in pieces)
    counts = [
        _count(len(text), "character"),
        _count(num_bytes, "byte"),
        _count(len(pieces) - num_special, "pre-token"),
        *([_count(num_special, "special token")] if num_special else []),
        _count(num_tokens, "token") + (" in all" if num_special else ""),
        *([f"{num_bytes / num_tokens:.2f} bytes per token"] if num_tokens else []),
    ]
    return ", ".join(counts)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
