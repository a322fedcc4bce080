"""What `merging.py` calls ranks and products, as arrays: the ranks of many pairs are found at once."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Int32, UInt8

from cs336_basics.tokenization.byte_tokens import NUM_BYTES

NO_RANK = (1 << 31) - 1  # greater than every rank
NO_SYMBOL = -(1 << 31)  # no pair with it has a rank
LAST_KEY = (1 << 63) - 1  # that of no pair, since ids are below 2^31

Symbols = Int32[np.ndarray, "*shape"]  # or ranks
Bytes = UInt8[np.ndarray, "*shape"]


class PairRanks:
    """Of each merge its two symbols and their product, by rank; of each pair its rank, by binary search."""

    def __init__(
        self, byte_symbols: Sequence[int], ranks: Mapping[tuple[int, int], int], products: Sequence[int]
    ) -> None:
        self.byte_symbols = np.array(byte_symbols, dtype=np.int32)
        self.products = np.array(products, dtype=np.int32)
        self.pairs = np.full((len(products), 2), NO_SYMBOL, dtype=np.int32)
        for pair, rank in ranks.items():
            self.pairs[rank] = pair
        # The last place holds a key above all others, so that a search always ends inside.
        keys = np.array([*(_key(left, right) for left, right in ranks), LAST_KEY])
        order = np.argsort(keys)
        self._keys = keys[order]
        self._ranks = np.array([*ranks.values(), NO_RANK], dtype=np.int32)[order]
        first, second = np.divmod(np.arange(NUM_BYTES**2), NUM_BYTES)
        self._rank_of_bytes = self.of(self.byte_symbols[first], self.byte_symbols[second])

    def of(self, left: Symbols, right: Symbols) -> Symbols:
        """Return the rank of each pair, `NO_RANK` where it has none."""
        keys = _key(left.astype(np.int64), right)
        places = np.searchsorted(self._keys, keys)
        return np.where(self._keys[places] == keys, self._ranks[places], np.int32(NO_RANK))

    def of_bytes(self, left: Bytes, right: Bytes) -> Symbols:
        """Return the rank of each pair of bytes."""
        return self._rank_of_bytes[left.astype(np.int32) * NUM_BYTES + right]


def _key(left, right):
    return left * (1 << 32) + right
