"""A NumPy array that values are appended to, at constant cost for each."""

from collections.abc import Sequence

import numpy as np


class GrowingArray:
    """One axis of values of one dtype; `values` is a view, good until the next append."""

    def __init__(self, dtype: np.typing.DTypeLike) -> None:
        self._storage = np.empty(1024, dtype=dtype)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def values(self) -> np.ndarray:
        """All values so far."""
        return self._storage[: self._size]

    def append(self, values: Sequence[int] | np.ndarray) -> None:
        """Put `values` after the others; the storage grows by half when it is full."""
        new_size = self._size + len(values)
        if new_size > len(self._storage):
            storage = np.empty(max(new_size, len(self._storage) * 3 // 2), dtype=self._storage.dtype)
            storage[: self._size] = self.values
            self._storage = storage
        self._storage[self._size : new_size] = values
        self._size = new_size
