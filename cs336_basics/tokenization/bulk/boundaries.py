r"""Where the pre-tokens of a text begin: the pattern of `pretokenization.py` as comparisons of neighbours.

The pattern sorts characters into four kinds: letters, numbers, white space, and everything else. Knowing
the kind of every byte (all bytes of a character share its kind), the rules are

1. a pre-token begins at the start of the text and where the kind changes, except after a space (U+0020)
   that is followed by a word (letters, numbers or others): it begins at that space already
2. the last white-space character before a word is a pre-token of its own or the beginning of the word's;
   either way one begins there. At the end of the text the white space stays whole
3. an apostrophe at which a pre-token begins and that 's 'd 'm 't 'll 've or 're starts with ends that
   pre-token: none begins after the apostrophe, one begins after the ending

Why (3) needs no walk from left to right: the pattern tries a contraction only where a match begins. By (1)
that is at an apostrophe at the start of the text, or after a letter, a number, a special token, or white
space other than a space; one after another apostrophe or any "other" is inside a run. What a contraction
before it changes are places after letters, where a following apostrophe begins a match anyway.

Special tokens have a kind of their own, so that the text ends before one and begins again after it.
"""

import functools
import re

import numpy as np
import regex
from jaxtyping import Bool, Int, UInt8

OTHER, LETTER, NUMBER, WHITE_SPACE, SPECIAL = range(5)
KIND_PATTERNS = {LETTER: r"\p{L}+", NUMBER: r"\p{N}+", WHITE_SPACE: r"\s+"}

NUM_CODE_POINTS = 0x110000
ASCII = bytes(range(0x80))
SPACE, APOSTROPHE = b" "[0], b"'"[0]

Kinds = UInt8[np.ndarray, " bytes"]


@functools.cache
def kind_of_code_point() -> UInt8[np.ndarray, " code_points"]:
    """Return the kind of each code point, as the `regex` package classifies it."""
    code_points = np.arange(NUM_CODE_POINTS, dtype="<u4")
    all_characters = code_points.tobytes().decode("utf-32-le", errors="surrogatepass")
    kinds = np.full(NUM_CODE_POINTS, OTHER, dtype=np.uint8)
    for kind, pattern in KIND_PATTERNS.items():
        for match in regex.finditer(pattern, all_characters):
            kinds[match.start() : match.end()] = kind
    return kinds


@functools.cache
def _kind_of_byte() -> bytes:
    """Return the kind of each ASCII byte, in the form that `bytes.translate` takes."""
    return kind_of_code_point()[: len(ASCII)].tobytes() + bytes(256 - len(ASCII))


def kinds_of_bytes(data: bytes) -> Kinds:
    """Return for each byte of valid UTF-8 the kind of the character that it is part of."""
    kinds = np.frombuffer(bytearray(data.translate(_kind_of_byte())), dtype=np.uint8)
    if not data.isascii():
        characters = data.translate(None, delete=ASCII).decode()
        code_points = np.frombuffer(characters.encode("utf-32-le"), dtype="<u4")
        num_bytes = 2 + (code_points >= 0x800) + (code_points >= 0x10000)
        beyond_ascii = np.frombuffer(data, dtype=np.uint8) >= len(ASCII)
        kinds[beyond_ascii] = np.repeat(kind_of_code_point()[code_points], num_bytes)
    return kinds


def pretoken_starts(data: bytes, special_pattern: re.Pattern[bytes]) -> Int[np.ndarray, " pretokens"]:
    """Return where the pre-tokens and special tokens of `data` begin, which is valid UTF-8.

    Example: b"I'll  go" -> [0, 1, 4, 5].
    """
    kinds = kinds_of_bytes(data)
    special_tokens = [match.span() for match in special_pattern.finditer(data)]
    for start, end in special_tokens:
        kinds[start:end] = SPECIAL
    begins = _kind_boundaries(data, kinds)
    for start, _ in special_tokens:
        begins[start] = True  # also after another one, where the kind does not change
    _join_contractions(data, kinds, begins)
    return np.flatnonzero(begins)


def _kind_boundaries(data: bytes, kinds: Kinds) -> Bool[np.ndarray, " bytes"]:
    """Apply rules 1 and 2."""
    characters = np.frombuffer(data, dtype=np.uint8)
    is_word = kinds < WHITE_SPACE
    is_white = kinds == WHITE_SPACE
    is_space = is_white & (characters == SPACE)

    begins = np.ones(len(data), dtype=np.bool_)
    begins[1:] = (kinds[1:] != kinds[:-1]) & ~(is_space[:-1] & is_word[1:])

    last_white = np.flatnonzero(is_white[:-1] & is_word[1:])
    # Its last byte so far. To its first: at most two steps back, and none in ASCII.
    for _ in range(2):
        last_white = last_white - ((characters[last_white] & 0xC0) == 0x80)
    begins[last_white] = True
    return begins


def _join_contractions(data: bytes, kinds: Kinds, begins: Bool[np.ndarray, " bytes"]) -> None:
    """Apply rule 3 to `begins`, in place."""
    characters = np.frombuffer(data + b"\0\0", dtype=np.uint8)
    is_letter = np.append(kinds, (SPECIAL, SPECIAL)) == LETTER
    apostrophes = np.flatnonzero((characters[: len(data)] == APOSTROPHE) & (kinds == OTHER))
    apostrophes = apostrophes[begins[apostrophes] & is_letter[apostrophes + 1]]
    first = characters[apostrophes + 1]
    second = np.where(is_letter[apostrophes + 2], characters[apostrophes + 2], 0)
    has_short_ending = np.isin(first, np.frombuffer(b"sdmt", dtype=np.uint8))
    has_long_ending = np.zeros(len(apostrophes), dtype=np.bool_)
    for ending in (b"ll", b"ve", b"re"):
        has_long_ending |= (first == ending[0]) & (second == ending[1])
    for ending_length, has_ending in ((1, has_short_ending), (2, has_long_ending)):
        contractions = apostrophes[has_ending]
        begins[contractions + 1] = False
        ends = contractions + 1 + ending_length
        begins[ends[ends < len(data)]] = True
