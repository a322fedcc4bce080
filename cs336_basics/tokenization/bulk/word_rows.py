"""Number the distinct words of a text: the occurrences of a word become one small integer, its row.

A word of up to 15 bytes fits into two 64-bit integers together with its length, so integers are compared
instead of strings, a whole text at a time. A table of recently seen words answers for most: a hash only
chooses the slot in which to look, the comparison is of the words themselves. What is not in its slot, and
every longer word, goes to a dictionary.
"""

import numpy as np
from jaxtyping import Int, UInt64

HEAD_BYTES, TAIL_BYTES = 7, 8
LENGTH_SHIFT = np.uint64(8 * HEAD_BYTES)

SLOT_BITS = 18
SLOT_SHIFT = np.uint64(64 - SLOT_BITS)
# Multiplicative hashing (Knuth, The Art of Computer Programming, 6.4): odd numbers without a pattern, here
# 2^64 divided by the golden ratio and by pi.
HEAD_MULTIPLIER, TAIL_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0x517CC1B727220A95)

Ints = Int[np.ndarray, " words"]
Keys = UInt64[np.ndarray, " words"]


class WordRows(dict[bytes, int]):
    """Map words to rows 0, 1, 2, ... in the order in which they are first met."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[bytes] = []  # by row
        self._slot_heads = np.zeros(1 << SLOT_BITS, dtype=np.uint64)  # no head is 0, for no word is empty
        self._slot_tails = np.zeros(1 << SLOT_BITS, dtype=np.uint64)
        self._slot_rows = np.zeros(1 << SLOT_BITS, dtype=np.int64)
        self._slot_owners = np.zeros(1 << SLOT_BITS, dtype=np.int64)

    def __missing__(self, word: bytes) -> int:
        row = self[word] = len(self.words)
        self.words.append(word)
        return row

    def rows_of(self, data: bytes, starts: Ints, lengths: Ints) -> Ints:
        """Return the row of each word of `data`."""
        heads, tails = _heads_and_tails(data, starts, lengths)
        slots = ((heads * HEAD_MULTIPLIER ^ tails * TAIL_MULTIPLIER) >> SLOT_SHIFT).astype(np.intp)
        rows = self._slot_rows[slots]
        is_known = (self._slot_heads[slots] == heads) & (self._slot_tails[slots] == tails)
        missing = np.flatnonzero(~is_known)
        ends = starts[missing] + lengths[missing]
        words = [data[start:end] for start, end in zip(starts[missing].tolist(), ends.tolist(), strict=True)]
        rows[missing] = np.fromiter(map(self.__getitem__, words), dtype=np.int64, count=len(words))
        learned = missing[lengths[missing] <= HEAD_BYTES + TAIL_BYTES]
        # Where several fall into one slot, one of them owns it: NumPy promises no order of assignments.
        self._slot_owners[slots[learned]] = learned
        learned = learned[self._slot_owners[slots[learned]] == learned]
        self._slot_heads[slots[learned]] = heads[learned]
        self._slot_tails[slots[learned]] = tails[learned]
        self._slot_rows[slots[learned]] = rows[learned]
        return rows


def _masks(num_bytes: int) -> UInt64[np.ndarray, " lengths"]:
    """Return for each length up to `num_bytes` the integer whose so many lowest bytes are ones."""
    return np.array([(1 << 8 * length) - 1 for length in range(num_bytes + 1)], dtype=np.uint64)


HEAD_MASKS, TAIL_MASKS = _masks(HEAD_BYTES), _masks(TAIL_BYTES)


def _heads_and_tails(data: bytes, starts: Ints, lengths: Ints) -> tuple[Keys, Keys]:
    """Return of each word its first 7 bytes with its length, and the next 8, as integers.

    A word that is too long for them has a length that no word in the table has.
    """
    padded = data + bytes(HEAD_BYTES + TAIL_BYTES)
    eight_bytes_from = np.ndarray(len(data) + HEAD_BYTES, dtype="<u8", buffer=padded, strides=(1,))
    heads = eight_bytes_from[starts] & HEAD_MASKS[np.minimum(lengths, HEAD_BYTES)]
    heads |= np.minimum(lengths, 255).astype(np.uint64) << LENGTH_SHIFT
    tails = np.zeros(len(starts), dtype=np.uint64)
    has_tail = np.flatnonzero(lengths > HEAD_BYTES)
    tail_lengths = np.minimum(lengths[has_tail] - HEAD_BYTES, TAIL_BYTES)
    tails[has_tail] = eight_bytes_from[starts[has_tail] + HEAD_BYTES] & TAIL_MASKS[tail_lengths]
    return heads, tails
