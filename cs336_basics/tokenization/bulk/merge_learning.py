"""Learn merges as `pair_statistics.py` does, with a few NumPy calls for each merge instead of a loop.

Why it is right. A merge puts its new symbol next to others and takes the old neighbourhoods away; two older
symbols never become adjacent anew. So all pairs with a new symbol are made at once, their places are then
complete, and their counts only fall. A place that a later merge has changed is recognised by its symbols
when it is looked at (`symbol_array.py`). No symbol is made twice, as `bpe_training.py` explains.

Why it is quick. All pairs lie one after another in the order in which they were made, with their counts
and the places where they begin; the pairs of one merge are grouped by sorting. Of each place it is known
which pair begins there, so what a merge takes away is found without a search. The heap holds only the pairs
at or above a threshold: since counts only fall, the others stay below it and cannot be next. When the heap
is empty, the threshold falls to half of the highest count that is left.

Memory: at the peak up to 80 bytes for each byte of the distinct words (measured; the most for one long one).
"""

import functools
import heapq
from collections.abc import Mapping

import numpy as np
from jaxtyping import Int32, Int64, UInt16

from cs336_basics.tokenization.bulk.growing_array import GrowingArray
from cs336_basics.tokenization.bulk.symbol_array import find_pair, replace_pair_at
from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS, NUM_BYTES
from cs336_basics.tokenization.pair_statistics import Pair, descending_key

SEPARATOR = 0xFF  # stands before, between and after the words; no UTF-8 text has this byte

# A pair is written as one number: its newer symbol | whether that is the left one | the other symbol.
# While the pairs of one merge are sorted, the place takes the room of the newer symbol, which they share.
SYMBOL_BITS, PLACE_BITS = 24, 38
NEWER_IS_LEFT = 1 << SYMBOL_BITS

Places = Int64[np.ndarray, " places"]  # in the joined words, where a pair begins
OfPlaces = Int64[np.ndarray, " places"]  # one number for each place: a pair as one number, or a weight


class BulkPairStatistics:
    """What `PairStatistics` knows of the words of a text, with the same two methods."""

    def __init__(self, word_counts: Mapping[bytes, int]) -> None:
        self.symbol_bytes = list(BYTE_TOKENS)
        self._order_keys = [descending_key(token) for token in self.symbol_bytes]
        self._num_bytes = GrowingArray(np.int64)
        self._num_bytes.append(np.ones(NUM_BYTES))
        # Of each byte of the joined words: the symbol, the count of the word, the pair that begins there.
        self._symbols = _join_words(word_counts)
        self._weights = _weight_of_each_place(word_counts)
        self._pair_at = np.zeros(len(self._symbols), dtype=np.int32)
        # Of each pair: which it is, how often it occurs, where its places end.
        self._pairs = GrowingArray(np.int64)
        self._counts = GrowingArray(np.int64)
        self._place_ends = GrowingArray(np.int64)
        self._places = GrowingArray(np.int64)
        self._heap: list[tuple[int, str, str, int]] = []
        self._threshold = 1 << 62
        self._add_byte_pairs()

    def most_frequent_pair(self) -> Pair | None:
        """Return the most frequent pair, of equals that with the greatest bytes; None if no pair is left."""
        while self._heap or self._lower_threshold():
            negative_count, _, _, index = self._heap[0]
            count = int(self._counts.values[index])
            if count == -negative_count:
                return self._pair(index)
            if count < self._threshold:
                heapq.heappop(self._heap)
            else:
                heapq.heapreplace(self._heap, self._heap_entry(index))
        return None

    def merge(self, pair: Pair) -> None:
        """Replace `pair` by a new symbol in every word and bring the counts up to date."""
        left, right = pair
        index = int(np.searchsorted(self._pairs.values, _number_of_pair(left, right)))  # in ascending order
        assert self._pairs.values[index] == _number_of_pair(left, right), f"{pair} never occurred"
        merged = self._add_symbol(left, right)
        assert merged < NEWER_IS_LEFT, "more symbols than SYMBOL_BITS can number"
        left_length, length = len(self.symbol_bytes[left]), len(self.symbol_bytes[merged])
        starts = find_pair(self._symbols, self._places_of(index), left, right, left_length=left_length)
        replace_pair_at(self._symbols, starts, merged, left_length=left_length, length=length)
        before, behind = self._symbols[starts - 1], self._symbols[starts + length]
        others = np.concatenate((before, behind | NEWER_IS_LEFT))
        places = np.concatenate((starts - self._num_bytes.values[before], starts))
        # Between two new symbols the pair is noted once, by the left one.
        is_pair = (others != merged) & (others & (NEWER_IS_LEFT - 1) != SEPARATOR)
        if is_pair.any():
            self._exchange_pairs(merged, others[is_pair], places[is_pair], left_length=left_length)
        self._counts.values[index] = 0

    def _add_symbol(self, left: int, right: int) -> int:
        """Return the new symbol for the bytes of `left` and `right` together."""
        token = self.symbol_bytes[left] + self.symbol_bytes[right]
        self.symbol_bytes.append(token)
        self._order_keys.append(descending_key(token))
        self._num_bytes.append([len(token)])
        return len(self.symbol_bytes) - 1

    def _add_byte_pairs(self) -> None:
        """Note every place where two bytes of a word are side by side."""
        left, right = self._symbols[:-1], self._symbols[1:]
        places = np.flatnonzero((left != SEPARATOR) & (right != SEPARATOR))
        numbers, rank = _byte_pairs()
        byte_pair_at = left[places] * NUM_BYTES + right[places]
        order = np.argsort(rank[byte_pair_at], kind="stable")
        places = places[order]
        if len(places):
            self._append_pairs(numbers[byte_pair_at[order]], places, self._weights[places])

    def _exchange_pairs(
        self, merged: int, others: Int32[np.ndarray, " places"], places: Places, *, left_length: int
    ) -> None:
        """Note the pairs of the new symbol with `others`, and take away those that were there before."""
        notes = others.astype(np.int64) << PLACE_BITS | places
        notes.sort()
        others, places = notes >> PLACE_BITS, notes & ((1 << PLACE_BITS) - 1)
        weights = self._weights[places]
        # What was before the left symbol begins where it did; what was after the right one began there.
        old_places = places + (others >= NEWER_IS_LEFT) * left_length
        np.subtract.at(self._counts.values, self._pair_at[old_places], weights)
        self._append_pairs(others | merged << (SYMBOL_BITS + 1), places, weights)

    def _append_pairs(self, pairs: OfPlaces, places: Places, weights: OfPlaces) -> None:
        """Store the pair at each place; equal ones are side by side, and all follow those stored before."""
        is_last = np.append(pairs[1:] != pairs[:-1], True)
        ends = np.flatnonzero(is_last) + 1
        begins = np.append(0, ends[:-1])
        counts = np.add.reduceat(weights, begins)
        first_index = len(self._pairs)
        self._pair_at[places] = np.repeat(np.arange(first_index, first_index + len(begins)), ends - begins)
        self._place_ends.append(len(self._places) + ends)
        self._places.append(places)
        self._pairs.append(pairs[begins])
        self._counts.append(counts)
        for place in np.flatnonzero(counts >= self._threshold).tolist():
            heapq.heappush(self._heap, self._heap_entry(first_index + place))

    def _places_of(self, index: int) -> Places:
        begin = self._place_ends.values[index - 1] if index else 0
        return self._places.values[begin : self._place_ends.values[index]]

    def _lower_threshold(self) -> bool:
        """Fill the heap with the pairs that are frequent now; say whether there is any."""
        counts = self._counts.values
        self._threshold = max(1, int(counts.max(initial=0)) // 2)
        self._heap = [self._heap_entry(index) for index in np.flatnonzero(counts >= self._threshold).tolist()]
        heapq.heapify(self._heap)
        return bool(self._heap)

    def _heap_entry(self, index: int) -> tuple[int, str, str, int]:
        # The heap's smallest entry: the greatest count, then the greatest (left bytes, right bytes).
        left, right = self._pair(index)
        return -int(self._counts.values[index]), self._order_keys[left], self._order_keys[right], index

    def _pair(self, index: int) -> Pair:
        number = int(self._pairs.values[index])
        newer, other = number >> (SYMBOL_BITS + 1), number & (NEWER_IS_LEFT - 1)
        return (newer, other) if number & NEWER_IS_LEFT else (other, newer)


def _number_of_pair(left: int, right: int) -> int:
    if left >= right:
        return left << (SYMBOL_BITS + 1) | NEWER_IS_LEFT | right
    return right << (SYMBOL_BITS + 1) | left


@functools.cache
def _byte_pairs() -> tuple[Int64[np.ndarray, " byte_pairs"], UInt16[np.ndarray, " byte_pairs"]]:
    """Return the number of each pair of bytes, and its place in their order, which fits into 16 bits.

    NumPy sorts 16 bits in linear time.
    """
    numbers = np.array([_number_of_pair(*divmod(pair, NUM_BYTES)) for pair in range(NUM_BYTES**2)])
    rank = np.empty(len(numbers), dtype=np.uint16)
    rank[np.argsort(numbers)] = np.arange(len(numbers))
    return numbers, rank


def _join_words(word_counts: Mapping[bytes, int]) -> Int32[np.ndarray, " bytes"]:
    separator = bytes([SEPARATOR])
    joined = separator + separator.join(word_counts) + separator
    return np.frombuffer(joined, dtype=np.uint8).astype(np.int32)


def _weight_of_each_place(word_counts: Mapping[bytes, int]) -> Int64[np.ndarray, " bytes"]:
    """Return the count of the word that each byte of the joined words belongs to."""
    lengths = np.fromiter(map(len, word_counts), dtype=np.int64, count=len(word_counts))
    counts = np.fromiter(word_counts.values(), dtype=np.int64, count=len(word_counts))
    return np.append(0, np.repeat(counts, lengths + 1))
