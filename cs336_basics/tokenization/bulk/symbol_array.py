"""Words laid end to end in one array of symbols, where a pair is merged at many places at once.

Every byte of every word has an entry. A symbol that stands for several bytes is written at the first and
at the last of them, so the symbol after one that begins at `start` is at `start + length`, and the one
before it is at `start - 1`. What lies between is never read, but for the first entry of a symbol that was
merged into the one before it: that becomes `GONE`, so that a place noted earlier is known to be stale. (If
that symbol was one byte, its entry is the last of the new one and holds the new symbol: stale as well.)
"""

import numpy as np
from jaxtyping import Int, Int32

GONE = -(1 << 31)  # no symbol

Symbols = Int32[np.ndarray, " places"]
Starts = Int[np.ndarray, " starts"]
ValidStarts = Int[np.ndarray, " valid_starts"]


def find_pair(
    symbols: Symbols, candidates: Starts, left: int, right: int, *, left_length: int
) -> ValidStarts:
    """Return those of the ascending `candidates` where (left, right) begins, without overlaps."""
    starts = candidates[symbols[candidates] == left]
    starts = starts[symbols[starts + left_length] == right]
    return every_other_in_runs(starts, left_length) if left == right else starts


def replace_pair_at(symbols: Symbols, starts: Starts, merged: int, *, left_length: int, length: int) -> None:
    """Write `merged`, which is `length` bytes long, over the pairs that begin at `starts`."""
    symbols[starts] = merged
    symbols[starts + left_length] = GONE  # before the next line, which may mean the same place
    symbols[starts + length - 1] = merged


def every_other_in_runs(starts: Starts, distance: int) -> ValidStarts:
    """Keep the first, third, ... of each run of starts that are `distance` apart.

    Example: of the pairs (a, a) in "aaaaa xaa", which begin at 0, 1, 2, 3 and 7, those at 0, 2 and 7.
    """
    places = np.arange(len(starts))
    begins_run = np.ones(len(starts), dtype=np.bool_)
    begins_run[1:] = np.diff(starts) != distance
    begin_of_run = np.maximum.accumulate(np.where(begins_run, places, 0))
    return starts[(places - begin_of_run) % 2 == 0]
