"""Apply merges to one very long word: rank after rank, each at all places of its pair at once.

This is what `merging.merge_plainly` gives if every merge comes after those that make its two symbols, as
in the order of learning: then no merge makes a pair of the same or a lower rank, so all occurrences of the
lowest rank are merged before anything else. Merges in another order are left to `merge_with_heap`. (If
several ranks make one symbol, the same bytes always become it by the same one of them, as `bpe_training.py`
explains of learning: two neighbours that are the symbol just made were both made just now.)

A place is noted when a pair with a rank begins there and looked at when that rank's turn comes, sorted in
between: O(n log n) for n bytes, and up to 60 bytes of memory for each of them (measured).
"""

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Int, Int32

from cs336_basics.tokenization.bulk.pair_ranks import NO_RANK, NO_SYMBOL, PairRanks
from cs336_basics.tokenization.bulk.symbol_array import Starts, find_pair, replace_pair_at

PLACE_BITS = 32


def is_learning_order(ranks: Mapping[tuple[int, int], int], products: Sequence[int]) -> bool:
    """Say whether every merge has a higher rank than all that make one of its symbols."""
    last_made = {products[rank]: rank for rank in sorted(ranks.values())}
    return all(last_made.get(symbol, -1) < rank for pair, rank in ranks.items() for symbol in pair)


def merge_long_word(
    data: bytes, pair_ranks: PairRanks, num_bytes: Int[np.ndarray, " symbols"]
) -> Int32[np.ndarray, " word_symbols"]:
    """Return the symbols of the word after all merges, which must be in learning order.

    `num_bytes[symbol]` is the length of each symbol.
    """
    symbols = np.full(len(data) + 2, NO_SYMBOL, dtype=np.int32)  # one at each end, so all have neighbours
    symbols[1:-1] = pair_ranks.byte_symbols[np.frombuffer(data, dtype=np.uint8)]
    begins_symbol = symbols != NO_SYMBOL
    notes = RankedPlaces()
    notes.add(pair_ranks.of(symbols[1:-2], symbols[2:-1]), np.arange(1, len(data)))
    while notes:
        rank, candidates = notes.pop_lowest()
        left, right = pair_ranks.pairs[rank].tolist()
        merged = int(pair_ranks.products[rank])
        left_length, length = int(num_bytes[left]), int(num_bytes[merged])
        starts = find_pair(symbols, candidates, left, right, left_length=left_length)
        replace_pair_at(symbols, starts, merged, left_length=left_length, length=length)
        begins_symbol[starts + left_length] = False
        before, behind = symbols[starts - 1], symbols[starts + length]
        # Between two new symbols the pair is noted once, by the left one.
        has_before = (before != NO_SYMBOL) & (before != merged)
        before, starts_with_before = before[has_before], starts[has_before]
        notes.add(pair_ranks.of(before, np.full_like(before, merged)), starts_with_before - num_bytes[before])
        notes.add(pair_ranks.of(np.full_like(behind, merged), behind), starts)
    return symbols[begins_symbol]


class RankedPlaces:
    """Places by the rank of the pair that begins there; the lowest rank comes out first."""

    def __init__(self) -> None:
        self._places: dict[int, list[Starts]] = defaultdict(list)
        self._ranks: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._ranks)

    def add(self, ranks: Int32[np.ndarray, " places"], places: Starts) -> None:
        """Note each place under its rank, unless it has none."""
        has_rank = ranks != NO_RANK
        notes = ranks[has_rank].astype(np.int64) << PLACE_BITS | places[has_rank]
        notes.sort()
        begins = np.flatnonzero(np.diff(notes >> PLACE_BITS, prepend=-1))
        places = notes & ((1 << PLACE_BITS) - 1)
        for begin, end in zip(begins.tolist(), [*begins[1:].tolist(), len(notes)], strict=False):
            rank = int(notes[begin] >> PLACE_BITS)
            if rank not in self._places:
                heapq.heappush(self._ranks, rank)
            self._places[rank].append(places[begin:end])

    def pop_lowest(self) -> tuple[int, Starts]:
        """Return the lowest rank and its places in ascending order, and forget them."""
        rank = heapq.heappop(self._ranks)
        return rank, np.sort(np.concatenate(self._places.pop(rank)))
