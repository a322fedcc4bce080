"""What BPE training looks at: words as sequences of symbols, and the counts of their adjacent pairs.

A symbol is an integer: 0 to 255 are the bytes, and each merge makes the next one. A merge touches only
the words that contain its pair, and the most frequent pair comes from a heap, so the time for one merge
follows the number of words it changes. (A single word of many thousand bytes costs its whole length at
each merge that changes it.)
"""

import heapq
from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise

from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS

Pair = tuple[int, int]
COMPLEMENT = bytes(reversed(range(256)))


def replace_pair(symbols: list[int], pair: Pair, merged: int) -> list[int]:
    """Replace the occurrences of `pair` by `merged`, left to right and without overlaps.

    Example: symbols [7, 7, 7, 1], pair (7, 7), merged 300 -> [300, 7, 1].
    """
    left, right = pair
    replaced = []
    position = 0
    while position < len(symbols):
        if symbols[position] == left and symbols[position + 1 : position + 2] == [right]:
            replaced.append(merged)
            position += 2
        else:
            replaced.append(symbols[position])
            position += 1
    return replaced


class PairStatistics:
    """The words of a text, each with its count, and the number of times each pair of symbols is adjacent."""

    def __init__(self, word_counts: Mapping[bytes, int]) -> None:
        self.symbol_bytes = list(BYTE_TOKENS)
        self._order_keys = [descending_key(token) for token in self.symbol_bytes]
        self._words = [list(word) for word in word_counts]
        self._word_counts = list(word_counts.values())
        self._pair_counts: dict[Pair, int] = defaultdict(int)
        self._words_with_pair: dict[Pair, set[int]] = defaultdict(set)
        for index, (symbols, count) in enumerate(zip(self._words, self._word_counts, strict=True)):
            for pair in pairwise(symbols):
                self._pair_counts[pair] += count
                self._words_with_pair[pair].add(index)
        self._heap = [self._heap_entry(pair, count) for pair, count in self._pair_counts.items()]
        heapq.heapify(self._heap)

    def most_frequent_pair(self) -> Pair | None:
        """Return the most frequent pair, of equals the one whose bytes are greatest; None if no pair is left.

        A count that fell leaves its old entry in the heap: it is corrected when it comes to the top. One
        that rose has a new entry above the old one.
        """
        while self._heap:
            negative_count, _, _, pair = self._heap[0]
            count = self._pair_counts.get(pair, 0)
            if count == -negative_count:
                return pair
            if count == 0:
                heapq.heappop(self._heap)
            else:
                heapq.heapreplace(self._heap, self._heap_entry(pair, count))
        return None

    def merge(self, pair: Pair) -> None:
        """Replace `pair` by a new symbol in every word and bring the counts up to date."""
        merged = len(self.symbol_bytes)
        self.symbol_bytes.append(self.symbol_bytes[pair[0]] + self.symbol_bytes[pair[1]])
        self._order_keys.append(descending_key(self.symbol_bytes[merged]))
        changes: dict[Pair, int] = defaultdict(int)
        for index in self._words_with_pair[pair]:
            count = self._word_counts[index]
            before = self._words[index]
            after = replace_pair(before, pair, merged)
            for old_pair in pairwise(before):
                changes[old_pair] -= count
            for new_pair in pairwise(after):
                changes[new_pair] += count
                if merged in new_pair:
                    self._words_with_pair[new_pair].add(index)
            self._words[index] = after
        self._apply(changes)

    def _apply(self, changes: Mapping[Pair, int]) -> None:
        """Add the changes to the counts, forget pairs that are gone, and put risen ones into the heap."""
        for pair, change in changes.items():
            if change == 0:
                continue
            self._pair_counts[pair] += change
            count = self._pair_counts[pair]
            assert count >= 0, f"pair {pair} has count {count}"
            if count == 0:
                del self._pair_counts[pair], self._words_with_pair[pair]
            elif change > 0:
                heapq.heappush(self._heap, self._heap_entry(pair, count))

    def _heap_entry(self, pair: Pair, count: int) -> tuple[int, str, str, Pair]:
        # The heap's smallest entry: the greatest count, then the greatest (left bytes, right bytes).
        return -count, self._order_keys[pair[0]], self._order_keys[pair[1]], pair


def descending_key(token: bytes) -> str:
    """Return a string that sorts the other way round: the greater the bytes, the smaller the string.

    Each byte b becomes the character 255 - b; the last character, greater than all of those, puts a token
    after its own extensions ("ab" < "abc", so the key of "ab" must be the greater one).
    """
    return token.translate(COMPLEMENT).decode("latin-1") + chr(256)
