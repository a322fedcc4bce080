"""A vocabulary and its merges in the form that encoding uses: integers for tokens, checked once.

`PretokenCache` on top of it remembers the pre-tokens seen last, within a fixed number of bytes.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from cs336_basics.tokenization.bulk.long_words import is_learning_order, merge_long_word
from cs336_basics.tokenization.bulk.pair_ranks import PairRanks
from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS, NUM_BYTES
from cs336_basics.tokenization.merging import merge_symbols

# From here on a word is merged rank by rank in NumPy; measured on random letters.
LONG_WORD_BYTES = 1 << 15


class MergeTable:
    """Encode single pre-tokens with a vocabulary (id to bytes) and merges (pairs of bytes, in order).

    Where two entries have the same bytes, ordinary text takes the higher id: in a vocabulary of ours that
    is the learned token, and the lower one is a special token. A byte that has no entry takes part in
    merges under a stand-in below zero and must not be left over.
    """

    def __init__(self, vocab: Mapping[int, bytes], merges: Sequence[tuple[bytes, bytes]]) -> None:
        self._ids = {token: id for id, token in sorted(vocab.items())}
        self.byte_symbols = [self._ids.get(token, token[0] - NUM_BYTES) for token in BYTE_TOKENS]
        self.ranks: dict[tuple[int, int], int] = {}
        self.products: list[int] = []
        for rank, (left, right) in enumerate(merges):
            left_symbol, right_symbol, product = self._symbols_of_merge(rank, left, right)
            self.ranks.setdefault((left_symbol, right_symbol), rank)
            self.products.append(product)
        # 1 where an entry is known to be what its own bytes merge to. Allocated here, not while encoding.
        self._encodes_to_itself = bytearray(max(vocab) + 1)

    def _symbols_of_merge(self, rank: int, left: bytes, right: bytes) -> tuple[int, int, int]:
        symbols = []
        for token in (left, right, left + right):
            symbol = self.byte_symbols[token[0]] if len(token) == 1 else self._ids.get(token)
            if symbol is None:
                raise ValueError(
                    f"every merge must join two entries into a third but merge {rank} ({left!r} + {right!r}) "
                    f"needs {token!r}, which the vocabulary lacks; use the merges that belong to it"
                )
            symbols.append(symbol)
        return symbols[0], symbols[1], symbols[2]

    def entry_of(self, data: bytes) -> int | None:
        """Return the id of the entry with these bytes, if there is one."""
        return self._ids.get(data)

    def encode(self, data: bytes) -> tuple[int, ...]:
        """Return the ids of one pre-token; raises `ValueError` for a byte that no entry covers."""
        entry = self.entry_of(data)
        if entry is not None and self._encodes_to_itself[entry]:
            return (entry,)
        ids = self.merge(data)
        if min(ids) < 0:
            missing = min(ids) + NUM_BYTES
            raise ValueError(
                f"every byte of the text must have an entry in the vocabulary but 0x{missing:02x} in "
                f"{data[:40].decode(errors='replace')!r} has none; use a vocabulary with all 256 bytes, or "
                "remove the character"
            )
        if entry is not None and ids == [entry]:
            self._encodes_to_itself[entry] = 1
        return tuple(ids)

    def merge(self, data: bytes) -> list[int]:
        """Return the symbols of one pre-token; a byte without an entry may be left over as its stand-in."""
        if len(data) >= LONG_WORD_BYTES and self._is_learning_order:
            return merge_long_word(data, self.pair_ranks, self._num_bytes).tolist()
        return merge_symbols([self.byte_symbols[byte] for byte in data], self.ranks, self.products)

    @cached_property
    def pair_ranks(self) -> PairRanks:
        """The ranks and products as arrays."""
        return PairRanks(self.byte_symbols, self.ranks, self.products)

    @cached_property
    def _is_learning_order(self) -> bool:
        return is_learning_order(self.ranks, self.products)

    @cached_property
    def _num_bytes(self) -> np.ndarray:
        # A stand-in for a single byte counts from the end, like every negative index.
        num_bytes = np.ones(max(self._ids.values()) + 1 + NUM_BYTES, dtype=np.int64)
        for token, id in self._ids.items():
            num_bytes[id] = len(token)
        return num_bytes


class PretokenCache(dict[str, tuple[int, ...]]):
    """Map pre-tokens to their ids: a new one is encoded and kept; beyond `max_bytes` all are dropped.

    A dictionary, so that the loop over the pre-tokens of a text is one `map` without a Python call for
    each: words repeat, and most of them are found.
    """

    def __init__(self, table: MergeTable, *, max_bytes: int) -> None:
        super().__init__()
        self._table = table
        self._max_bytes = max_bytes
        self._num_bytes = 0

    def __missing__(self, pretoken: str) -> tuple[int, ...]:
        ids = self._table.encode(pretoken.encode())
        size = _entry_bytes(pretoken, ids)
        if self._num_bytes + size > self._max_bytes:
            self.clear()
            self._num_bytes = 0
        if size <= self._max_bytes // 16:  # a very long one would push out everything else
            self[pretoken] = ids
            self._num_bytes += size
        return ids


def _entry_bytes(pretoken: str, ids: tuple[int, ...]) -> int:
    """Return about how much memory one entry takes: the dictionary's slot, the string and the tuple."""
    return 240 + 4 * len(pretoken) + 8 * len(ids)
