"""The pre-tokens of `pretokenization.py` as a part of a `Tokenizer`.

Which of them are final: one that at least two characters follow. One character is not enough: the apostrophe
of "'r" is punctuation until "e" makes "'re" of it. Every other pre-token depends on one character after it,
and is the same if the text ends there.
"""

from cs336_basics.tokenization.pretokenization import GPT2_CUTS, find_pretokens
from cs336_basics.tokenization.pretokenizer import Pretokenizer

FOLLOWING_CHARACTERS = 2  # a pre-token with as many after it is final


class GPT2Pretokenizer(Pretokenizer):
    """Split by GPT-2's pattern."""

    cuts = GPT2_CUTS

    def split(self, text: str) -> list[str]:
        """Return the pre-tokens of `text`."""
        return find_pretokens(text)

    def final_pretokens(self, text: str, start: int, limit: int) -> tuple[list[str], int]:
        """Return those between `start` and `limit` that no text after `limit` can change, and their end."""
        pretokens = find_pretokens(text, start, limit)
        end = limit
        while pretokens and end > limit - FOLLOWING_CHARACTERS:
            end -= len(pretokens.pop())
        return pretokens, end
