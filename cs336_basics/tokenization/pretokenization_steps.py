r"""What other pre-tokenizers than GPT-2's are made of: steps, each of which splits what the last one left.

The two families that we read from Hugging Face besides GPT-2's own:

- SmolLM2: each digit alone, then GPT-2's pattern on what lies between digits
- Llama 3: one pattern, which takes up to three digits at once, contractions in either case, one character of
  punctuation in front of a word, and line ends together with what stands before them
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import regex

from cs336_basics.tokenization.either_case import spell_out_either_case
from cs336_basics.tokenization.pretokenization import GPT2_PATTERN

# From the tokenizer.json of Llama 3.
LLAMA3_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True)
class SplitAround:
    """Separate every match of a pattern from the next and from what lies between."""

    pattern: str

    def __call__(self, piece: str) -> list[str]:
        """Split one piece: with the pattern [0-9], "ab12" -> "ab", "1", "2"."""
        matches = self._compiled.findall(piece)
        if sum(map(len, matches)) == len(piece):  # as always with patterns that know every character
            return list(filter(None, matches))
        return list(filter(None, self._matches_and_gaps(piece)))

    def _matches_and_gaps(self, piece: str) -> Iterator[str]:
        start = 0
        for match in self._compiled.finditer(piece):
            yield piece[start : match.start()]
            yield match.group()
            start = match.end()
        yield piece[start:]

    @cached_property
    def _compiled(self) -> regex.Pattern[str]:
        return regex.compile(spell_out_either_case(self.pattern))


@dataclass(frozen=True)
class PrefixSpace:
    """Put a space in front of a piece that begins with none: decoding gives it back with the text."""

    def __call__(self, piece: str) -> list[str]:
        """Return the one piece."""
        return [piece if piece.startswith(" ") else f" {piece}"]


Step = SplitAround | PrefixSpace

EACH_DIGIT = SplitAround(r"\p{N}")
EACH_NUMBER = SplitAround(r"\p{N}+")
GPT2_STEPS: tuple[Step, ...] = (SplitAround(GPT2_PATTERN),)
