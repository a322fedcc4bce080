r"""Which code points other libraries take for something else, so that texts with them split otherwise.

The pattern of `pretokenization.py` only asks whether a character is a letter (`\p{L}`), a number (`\p{N}`),
white space (`\s`) or none of these. Every library answers from a Unicode table of its own, as old as the
library: characters that a later version of Unicode has added are unassigned there, hence none of these.

With regex 2026.11.19 (Unicode 18), tiktoken 0.14.0 and tokenizers 0.23.3 (both Unicode 16) the two give the
same 17,480 code points: the 17,144 letters and 336 numbers that came with Unicode 17 and 18, none of which is
assigned in Unicode 16. Most of the letters are the Seal script (11,328), the CJK ideographs of Extension J
(4,298) and the Jurchen script with its radicals (965); most of the numbers are archaic cuneiform numerals
(311). About white space all agree.

The tables are asked, not copied, so two of the functions tell about whatever versions are installed: of
tokenizers 0.21.0, whose tables are older, 26,872 code points. `code_points_new_since_unicode_16` needs no
other library, and tells about those that know Unicode 16.
"""

from collections.abc import Callable

import regex

from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS
from cs336_basics.tokenization.interchange.optional_packages import needs_extra

# The letters and numbers that Unicode 17 and 18 have added, in hexadecimal.
NEW_SINCE_UNICODE_16 = """
    558 58B-58C 88F C5C CDC 208F 209D-209F A7CE-A7CF A7D2 A7D4 A7DD A7E2 A7F1 AB6C-AB6D 107BB-107BF
    10940-10959 10EC5-10EC7 10ED9-10EEE 11B0A 11DB0-11DDB 11DE0-11DE9 11DF1 1246F 12475-1247F
    12550-12686 16EA0-16EB8 16EBB-16ED3 16FF2-16FF6 187F8-187FF 18CD6-18CDA 18D09-18D20 18D80-18DF2
    18E00-19191 191A0-191D2 1B123-1B128 1B168 1D6A6 1DF1F-1DF24 1DF2B-1DF81 1DF90-1DF96 1DFCD-1DFFF
    1E6C0-1E6DE 1E6E0-1E6E2 1E6E4-1E6E5 1E6E7-1E6ED 1E6F0-1E6F4 1E6FE-1E6FF 2B73A-2B73F 2B81E
    2CEA2-2CEAD 323B0-33479 3D000-3FC3F
"""

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


def code_points_new_since_unicode_16() -> list[int]:
    """Return the code points that `regex` takes for letters or numbers and Unicode 16 does not, ascending.

    They are those that tiktoken 0.14 and tokenizers 0.23 classify otherwise, without asking these.
    """
    ranges = [part.split("-") for part in NEW_SINCE_UNICODE_16.split()]
    text = "".join(chr(point) for ends in ranges for point in range(int(ends[0], 16), int(ends[-1], 16) + 1))
    return [ord(character) for character in regex.findall(r"[\p{L}\p{N}]", text)]


def _code_points_classified_differently(find_in_peer: Callable[[str, str], str]) -> list[int]:
    """Compare with a peer, given a function that returns the characters of a text which match a pattern."""
    text = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))  # all but the surrogates
    differing: set[str] = set()
    for pattern in CLASSES:
        differing |= set(regex.findall(pattern, text)) ^ set(find_in_peer(pattern, text))
    return sorted(map(ord, differing))
