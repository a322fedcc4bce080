r"""Pre-tokens by the steps of `pretokenization_steps.py`, the plain way: one pattern after another.

Where text may be cut without changing them, for steps whose patterns we know: immediately before a space
(U+0020) that anything but white space or a number follows. With GPT-2's pattern and Llama 3's a pre-token
begins at such a space. No match that began before it takes it: `\s+(?!\S)` takes the run of white space up
to it, `\s*[\r\n]+` ends with a line end, and the others hold a space in front only. And the text before it
splits as if it ended there: nothing looks further ahead than `(?!\S)`, which then takes the same run. The
steps that may come before such a pattern neither split nor change anything there: numbers are none of the
two characters, and a piece that begins with the space gets none in front.

Of steps with other patterns we know nothing: between two special tokens their text is held as a whole.
"""

import regex

from cs336_basics.tokenization.pretokenization_steps import (
    EACH_DIGIT,
    EACH_NUMBER,
    GPT2_STEPS,
    LLAMA3_PATTERN,
    PrefixSpace,
    SplitAround,
    Step,
)
from cs336_basics.tokenization.pretokenizer import Pretokenizer
from cs336_basics.tokenization.special_tokens import MATCHES_NOTHING

SPACE_BEFORE_WORD = r" (?=[^\s\p{N}])"
SPLITTING_THERE = {*GPT2_STEPS, SplitAround(LLAMA3_PATTERN)}
TOUCHING_NOTHING_THERE = {EACH_DIGIT, EACH_NUMBER, PrefixSpace()}


class PatternPretokenizer(Pretokenizer):
    """Apply one step after another."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self._steps = steps
        cuts = SPACE_BEFORE_WORD if split_at_space_before_word(steps) else MATCHES_NOTHING
        self.cuts = regex.compile(cuts)
        self._last_cut = regex.compile(cuts, regex.REVERSE)

    def __reduce__(self) -> tuple:
        return type(self), (self._steps,)

    def split(self, text: str) -> list[str]:
        """Return the pre-tokens of `text`."""
        pieces = [text] if text else []
        for step in self._steps:
            pieces = [part for piece in pieces for part in step(piece)]
        return pieces

    def final_pretokens(self, text: str, start: int, limit: int) -> tuple[list[str], int]:
        """Return those between `start` and `limit` that no text after `limit` can change, and their end."""
        cut = self._last_cut.search(text, start, limit)
        end = cut.start() if cut else start
        return self.split(text[start:end]), end


def split_at_space_before_word(steps: tuple[Step, ...]) -> bool:
    """Say whether we know that a pre-token begins at each match of `SPACE_BEFORE_WORD`."""
    for step in steps:
        if step in SPLITTING_THERE:
            return True
        if step not in TOUCHING_NOTHING_THERE:
            return False
    return False
