r"""Cut a text file into ranges of bytes that can be split into pre-tokens independently.

The chunks of a file give the same pre-tokens as its whole text if every cut lies

1. immediately before a space or newline `s` that is followed by a character `x` other than white space,
2. where no occurrence of a special token reaches from before or at `x` to behind the cut: none spans the
   cut, none begins with `s`, and none begins with `x`.

Why (1) suffices in ordinary text. White space is only ever the first character of a pre-token, or part of
a run of white space. The run that ends with `s` is followed by `x`, so `\s+(?!\S)` takes the run up to,
but not including, `s`: a pre-token begins at `s`. In the chunk before the cut, the same run ends with the
text, and `\s+(?!\S)` takes all of it: the same pre-token. Any other pre-token before the cut ends there
at the latest, since none continues with white space, and whether it ends does not depend on more than the
next character being none of its own kind (of a contraction, two letters, and white space is none). The
pattern never looks behind, so the chunk after the cut splits like the rest of the text.

Why (2) is needed. A special token that spans the cut would be lost. One that begins at `x` ends the
ordinary text there, so that the pattern sees the end of the text behind `s` instead of `x`: in
"a  <|e|>" both spaces are one pre-token. (One that begins with `s` would do no harm; the rule is
shorter without the exception.) With no occurrence across the cut, the longest one at each place is the
same in the chunk as in the file.

The rule reads bytes: space and newline are never part of a longer UTF-8 character, and the first byte of
`x` tells that it is no white space. A file without such a place is a single chunk.
"""

import io
import os
import re
from collections.abc import Iterator, Sequence

from cs336_basics.files.text import decode_utf8

CHUNK_BYTES = 1 << 20  # NumPy's arrays for it, some 50 MB, are as many as a cache still helps with
SCAN_BYTES = 1 << 12  # how much is read at a time in search of a cut

# Behind the space or newline: printable ASCII, or the first byte of a longer character other than C2, E1,
# E2 and E3, with which all white space beyond ASCII begins.
GPT2_CUTS = re.compile(rb"[ \n](?=[!-~\xc3-\xe0\xe4-\xf4])")


def chunk_ranges(
    path: str | os.PathLike[str],
    special_tokens: Sequence[str],
    *,
    chunk_bytes: int,
    cuts: re.Pattern[bytes] = GPT2_CUTS,
) -> Iterator[tuple[int, int]]:
    """Yield (start, end) in bytes of chunks of `chunk_bytes` or slightly more that cover the file.

    `cuts` matches the places of rule (1), with a character for `s` and one for `x`; other pre-tokenizers than
    GPT-2's have others.
    """
    with open(path, "rb") as file:
        yield from chunk_ranges_of(file, special_tokens, chunk_bytes=chunk_bytes, cuts=cuts)


def chunk_ranges_of(
    file: io.BufferedIOBase,
    special_tokens: Sequence[str],
    *,
    chunk_bytes: int = CHUNK_BYTES,
    cuts: re.Pattern[bytes] = GPT2_CUTS,
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
    file: io.BufferedIOBase, earliest: int, encoded_tokens: Sequence[bytes], cuts: re.Pattern[bytes]
) -> int:
    """Return the first safe place to cut at or behind `earliest` (within the file), or the file's size."""
    reach = max(map(len, encoded_tokens), default=0) + 1  # how far around a cut the rule looks
    while True:
        window_start = max(0, earliest - reach)
        file.seek(window_start)
        window = file.read(earliest - window_start + SCAN_BYTES + reach)
        at_end_of_file = len(window) < earliest - window_start + SCAN_BYTES + reach
        scan_end = len(window) if at_end_of_file else len(window) - reach
        for candidate in cuts.finditer(window, earliest - window_start):
            if candidate.start() >= scan_end:
                break
            if not any(_occurs_around(token, window, candidate.start()) for token in encoded_tokens):
                return window_start + candidate.start()
        if at_end_of_file:
            return window_start + len(window)
        earliest = window_start + scan_end


def _occurs_around(token: bytes, window: bytes, cut: int) -> bool:
    """Say whether `token` occurs somewhere so that it begins at `cut + 1` or before and ends behind `cut`."""
    return token in window[max(0, cut + 1 - len(token)) : cut + 1 + len(token)]
