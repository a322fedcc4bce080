"""Apply merges to many short words at once: a row for each word, a column for each symbol.

Each round does to all words what one turn of the loop in `merging.merge_plainly` does to one: it finds the
pair of the lowest rank, the leftmost of equals, and merges it. Words in which no pair has a rank leave.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, Int32

from cs336_basics.tokenization.bulk.pair_ranks import NO_RANK, NO_SYMBOL, PairRanks

Symbols = Int32[np.ndarray, "words columns"]


def merge_short_words(words: Sequence[bytes], pair_ranks: PairRanks, *, max_bytes: int) -> Symbols:
    """Return the symbols of each word, of at most `max_bytes`, and `NO_SYMBOL` after them."""
    symbols, ranks = _byte_symbols_and_ranks(words, pair_ranks, max_bytes)
    result = np.full_like(symbols, NO_SYMBOL)
    unfinished = np.arange(len(words))
    while len(unfinished):
        place = ranks.argmin(axis=1)
        lowest_rank = ranks[np.arange(len(ranks)), place]
        has_pair = lowest_rank != NO_RANK
        result[unfinished[~has_pair], : symbols.shape[1]] = symbols[~has_pair]
        unfinished, place = unfinished[has_pair], place[has_pair]
        merged = pair_ranks.products[lowest_rank[has_pair]]
        symbols = _without_one(symbols[has_pair], place)
        ranks = _without_one(ranks[has_pair], place)
        rows = np.arange(len(unfinished))
        symbols[rows, place] = merged
        ranks[rows, place] = NO_RANK
        _rank_pairs_from(place - 1, symbols, ranks, pair_ranks)
        _rank_pairs_from(place, symbols, ranks, pair_ranks)
    return result


def _byte_symbols_and_ranks(
    words: Sequence[bytes], pair_ranks: PairRanks, max_bytes: int
) -> tuple[Symbols, Symbols]:
    """Return the symbol of each byte, and the rank of the pair that begins there."""
    lengths = np.fromiter(map(len, words), dtype=np.intp, count=len(words))[:, None]
    data = np.array(words, dtype=f"S{max_bytes}").view(np.uint8).reshape(len(words), max_bytes)
    columns = np.arange(max_bytes)
    symbols = np.where(columns < lengths, pair_ranks.byte_symbols[data], np.int32(NO_SYMBOL))
    ranks = np.full_like(symbols, NO_RANK)
    ranks[:, :-1] = pair_ranks.of_bytes(data[:, :-1], data[:, 1:])
    ranks[columns >= lengths - 1] = NO_RANK
    return symbols, ranks


def _without_one(
    matrix: Symbols, place: Int[np.ndarray, " words"]
) -> Int32[np.ndarray, "words fewer_columns"]:
    """Return each row without the entry after `place`: a merge leaves one symbol less in every row."""
    is_behind = np.arange(matrix.shape[1] - 1) > place[:, None]
    return np.where(is_behind, matrix[:, 1:], matrix[:, :-1])


def _rank_pairs_from(
    place: Int[np.ndarray, " words"], symbols: Symbols, ranks: Symbols, pair_ranks: PairRanks
) -> None:
    """Set the rank of the pair that begins at `place` in each row where one does."""
    rows = np.flatnonzero((place >= 0) & (place < symbols.shape[1] - 1))
    left = place[rows]
    ranks[rows, left] = pair_ranks.of(symbols[rows, left], symbols[rows, left + 1])
