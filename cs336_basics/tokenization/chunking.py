r"""Cut a text file into ranges of bytes that can be split into pre-tokens independently.

The chunks of a file give the same pre-tokens as its whole text if every cut lies

1. immediately before a character `s` of white space that is followed by a character `x` of another kind,
2. where no occurrence of a special token reaches from before or at `x` to after the cut: none spans the
   cut, none begins with `s`, and none begins with `x`.

Why (1) suffices in ordinary text. White space is only ever the first character of a pre-token, or part of
a run of white space. The run that ends with `s` is followed by `x`, so `\s+(?!\S)` takes the run up to,
but not including, `s`: a pre-token begins at `s`. In the chunk before the cut, the same run ends with the
text, and `\s+(?!\S)` takes all of it: the same pre-token. Any other pre-token before the cut ends there
at the latest, since none continues with white space, and whether it ends does not depend on more than the
next character being none of its own kind (of a contraction, two letters, and white space is none). The
pattern never looks behind, so the chunk after the cut splits like the rest of the text.

Why (2) is needed. A special token that spans the cut would be lost. One that begins at `x` ends the
ordinary text there, so that the pattern sees the end of the text after `s` instead of `x`: in
"a  <|e|>" both spaces are one pre-token. (One that begins with `s` would do no harm; the rule is
shorter without the exception.) With no occurrence across the cut, the longest one at each place is the
same in the chunk as in the file.

A file without such a place is a single chunk.
"""

import io
import os
from collections.abc import Iterator, Sequence

import regex

from cs336_basics.files.text import decode_utf8
from cs336_basics.tokenization.pretokenization import GPT2_CUTS

CHUNK_BYTES = 1 << 20  # NumPy's arrays for it, some 50 MB, are as many as a cache still helps with
SCAN_BYTES = 1 << 12  # how much is read at a time in search of a cut
CHARACTER_BYTES = 4  # of the longest ones in UTF-8


def chunk_ranges(
    path: str | os.PathLike[str],
    special_tokens: Sequence[str],
    *,
    chunk_bytes: int,
    cuts: regex.Pattern[str] = GPT2_CUTS,
) -> Iterator[tuple[int, int]]:
    """Yield (start, end) in bytes of chunks of `chunk_bytes` or slightly more that cover the file.

    `cuts` matches the `s` of rule (1), and looks ahead to its `x`; other pre-tokenizers than GPT-2's have
    other places.
    """
    with open(path, "rb") as file:
        yield from chunk_ranges_of(file, special_tokens, chunk_bytes=chunk_bytes, cuts=cuts)


def chunk_ranges_of(
    file: io.BufferedIOBase,
    special_tokens: Sequence[str],
    *,
    chunk_bytes: int = CHUNK_BYTES,
    cuts: regex.Pattern[str] = GPT2_CUTS,
) -> Iterator[tuple[int, int]]:
    """Yield the ranges of `chunk_ranges` for an open file, or for bytes in an `io.BytesIO`."""
    encoded_tokens = [token.encode() for token in special_tokens]
    size = file.seek(0, os.SEEK_END)
    start = 0
    while start < size:
        end = find_cut(file, min(start + chunk_bytes, size), encoded_tokens, cuts)
        yield start, end
        start = end


def read_chunk(path: str | os.PathLike[str], start: int, end: int) -> bytes:
    """Read the bytes `start` to `end` of a UTF-8 file, or raise `ValueError` with the bad byte's position."""
    with open(path, "rb") as file:
        file.seek(start)
        data = file.read(end - start)
    decode_utf8(data, path=path, offset=start)  # only to see whether it can be
    return data


def find_cut(
    file: io.BufferedIOBase, earliest: int, encoded_tokens: Sequence[bytes], cuts: regex.Pattern[str]
) -> int:
    """Return the first safe place to cut at or after `earliest` (within the file), or the file's size."""
    reach = max(map(len, encoded_tokens), default=0) + 2 * CHARACTER_BYTES  # how far the rule looks
    while True:
        window_start = max(0, earliest - reach)
        file.seek(window_start)
        window = file.read(earliest - window_start + SCAN_BYTES + reach)
        at_end_of_file = len(window) < earliest - window_start + SCAN_BYTES + reach
        scan_end = len(window) if at_end_of_file else len(window) - reach
        for cut, behind in places_in(window, cuts):
            if cut >= scan_end:
                break
            is_late_enough = window_start + cut >= earliest
            if is_late_enough and not any(_occurs_around(t, window, cut, behind) for t in encoded_tokens):
                return window_start + cut
        if at_end_of_file:
            return window_start + len(window)
        earliest = window_start + scan_end


def places_in(window: bytes, cuts: regex.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Yield where each match of `cuts` begins and ends, in bytes.

    Bytes that are no character, as those of one that the window cuts, match like something unknown.
    """
    text = window.decode("utf-8", errors="surrogateescape")
    known, end = 0, 0  # the same place in characters and in bytes
    for match in cuts.finditer(text):
        begin = end + _num_bytes(text[known : match.start()])
        known, end = match.end(), begin + _num_bytes(match.group())
        yield begin, end


def _num_bytes(text: str) -> int:
    return len(text.encode("utf-8", errors="surrogateescape"))


def _occurs_around(token: bytes, window: bytes, cut: int, behind: int) -> bool:
    """Say whether `token` occurs somewhere so that it begins at `behind` or before and ends after `cut`."""
    return token in window[max(0, cut + 1 - len(token)) : behind + len(token)]
