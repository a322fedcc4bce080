"""Split text that arrives in pieces exactly like the whole text, holding back only what may still change.

Let `limit` be the earliest place from which the rest of the text so far is a proper prefix of a special
token, or else the end. What more text can still change:

- nothing before `limit` becomes part of a special token that is not complete yet, and a special token
  that begins before `limit` is final: a longer one beginning there would have put `limit` there
- of the pre-tokens found in the text up to `limit`, those that the pre-tokenizer does not call final

Memory: a few thousand characters; a longer pre-token is held whole, in proportion to its length, and so is
all text between two special tokens where the pre-tokenizer calls nothing final (`pattern_pretokenizer.py`).
"""

from collections.abc import Generator, Iterable, Iterator, Sequence

import regex

from cs336_basics.tokenization.pretokenizer import Pretokenizer
from cs336_basics.tokenization.special_tokens import compile_special_pattern, split_on_special_tokens

SCAN_CHARACTERS = 4096  # how much text is gathered before it is split

# Ordinary text, its pre-tokens in order, and the special token after it, if one is.
Batch = tuple[str, list[str], str | None]


class StreamSplitter:
    """Split pieces of text into pre-tokens and special tokens, whatever the places where it was cut."""

    def __init__(self, pretokenizer: Pretokenizer, special_tokens: Sequence[str]) -> None:
        self._pretokenizer = pretokenizer
        self._pattern: regex.Pattern[str] = compile_special_pattern(special_tokens)
        self._longest = max(map(len, special_tokens), default=0)
        self._proper_prefixes = frozenset(
            token[:length] for token in special_tokens for length in range(1, len(token))
        )

    def split(self, pieces: Iterable[str]) -> Iterator[Batch]:
        """Yield batches that together hold what splitting the joined pieces gives.

        Text is gathered until there is enough, and until it is twice what the last split left over: a
        pre-token that goes on and on is looked at a logarithmic number of times.
        """
        gathered: list[str] = []
        num_characters = 0
        enough = SCAN_CHARACTERS
        for piece in _small_pieces(pieces):
            gathered.append(piece)
            num_characters += len(piece)
            if num_characters < enough:
                continue
            text = "".join(gathered)
            end = yield from self._split_final_part(text)
            gathered = [text[end:]]
            num_characters = len(text) - end
            enough = max(SCAN_CHARACTERS, 2 * num_characters)
        for ordinary_text, special_token in split_on_special_tokens("".join(gathered), self._pattern):
            yield ordinary_text, self._pretokenizer.split(ordinary_text), special_token

    def _split_final_part(self, text: str) -> Generator[Batch, None, int]:
        """Yield what is final in `text`, and return where that ends."""
        start = 0
        limit = self._limit(text, start)
        while (match := self._pattern.search(text, start)) and match.start() < limit:
            ordinary_text = text[start : match.start()]
            yield ordinary_text, self._pretokenizer.split(ordinary_text), match.group()
            start = match.end()
            limit = self._limit(text, start)
        pretokens, end = self._pretokenizer.final_pretokens(text, start, limit)
        yield text[start:end], pretokens, None
        return end

    def _limit(self, text: str, start: int) -> int:
        """Return the earliest place at or after `start` where a special token may have begun."""
        for position in range(max(start, len(text) - self._longest + 1), len(text)):
            if text[position:] in self._proper_prefixes:
                return position
        return len(text)


def _small_pieces(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the same text in pieces of at most `SCAN_CHARACTERS`, so that a huge one is not split at once."""
    for piece in pieces:
        if len(piece) <= SCAN_CHARACTERS:
            yield piece
            continue
        for start in range(0, len(piece), SCAN_CHARACTERS):
            yield piece[start : start + SCAN_CHARACTERS]
