r"""Which code points other libraries take for something else, so that texts with them split otherwise.

The pattern of `pretokenization.py` only asks whether a character is a letter (`\p{L}`), a number (`\p{N}`),
white space (`\s`) or none of these. Every library answers from a Unicode table of its own, as old as the
library: characters that a later version of Unicode has added are unassigned there, hence none of these.

With regex 2026.11.19 (Unicode 18), tiktoken 0.14.0 and tokenizers 0.23.3 (both Unicode 16) the two give the
same 17,480 code points: the 17,144 letters and 336 numbers that came with Unicode 17 and 18, none of which is
assigned in Unicode 16. Most of the letters are the Seal script (11,328), the CJK ideographs of Extension J
(4,298) and the Jurchen script with its radicals (965); most of the numbers are archaic cuneiform numerals
(311). About white space all agree.

The tables are asked, not copied, so the functions tell about whatever versions are installed: of tokenizers
0.21.0, whose tables are older, 26,872 code points.
"""

from collections.abc import Callable

import regex

from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS
from cs336_basics.tokenization.interchange.optional_packages import needs_extra

CLASSES = (r"\p{L}", r"\p{N}", r"\s")  # a character in none of them is in the fourth


def code_points_tiktoken_splits_differently() -> list[int]:
    """Return the code points that the installed tiktoken classifies otherwise, in ascending order."""
    with needs_extra("tiktoken"):
        import tiktoken

    ranks = {token: rank for rank, token in enumerate(BYTE_TOKENS)}

    def find(pattern: str, text: str) -> str:
        encoding = tiktoken.Encoding("probe", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
        return encoding.decode(encoding.encode_ordinary(text))  # it drops what the pattern does not match

    return _code_points_classified_differently(find)


def code_points_huggingface_splits_differently() -> list[int]:
    """Return the code points that the installed tokenizers classifies otherwise, in ascending order."""
    with needs_extra("huggingface"):
        from tokenizers import Regex, pre_tokenizers

    def find(pattern: str, text: str) -> str:
        splitter = pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True)
        return "".join(piece for piece, _ in splitter.pre_tokenize_str(text))

    return _code_points_classified_differently(find)


def _code_points_classified_differently(find_in_peer: Callable[[str, str], str]) -> list[int]:
    """Compare with a peer, given a function that returns the characters of a text which match a pattern."""
    text = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))  # all but the surrogates
    differing: set[str] = set()
    for pattern in CLASSES:
        differing |= set(regex.findall(pattern, text)) ^ set(find_in_peer(pattern, text))
    return sorted(map(ord, differing))
