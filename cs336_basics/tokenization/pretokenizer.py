"""What a tokenizer asks of the part that splits ordinary text into pre-tokens."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import regex

BATCH_CHARACTERS = 1 << 16  # pre-tokens are strings of some 55 bytes each: few of them at a time


class Pretokenizer(ABC):
    """Split text that holds no special token."""

    cuts: regex.Pattern[str]
    """Matches where a text may be cut in front without changing pre-tokens, if no special token is near."""

    @abstractmethod
    def split(self, text: str) -> list[str]:
        """Return the pre-tokens of `text`."""

    def batches(self, text: str) -> Iterator[list[str]]:
        """Yield the pre-tokens of `text` in lists of bounded size, where it may be cut.

        Example, by GPT-2's pattern: "I'll  go" -> ["I", "'ll", " ", " go"].
        """
        start = 0
        while start < len(text):
            cut = self.cuts.search(text, start + BATCH_CHARACTERS)
            end = cut.start() if cut else len(text)
            yield self.split(text[start:end])
            start = end

    @abstractmethod
    def final_pretokens(self, text: str, start: int, limit: int) -> tuple[list[str], int]:
        """Return those between `start` and `limit` that no text after `limit` can change, and their end."""
