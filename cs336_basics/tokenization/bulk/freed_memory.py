"""Give freed memory back to the system while much text passes.

The arrays of each chunk of text are freed before the next, but are of other sizes than the next ones. The
C library of most Linux systems keeps what is freed, and finds ever new places beside it: some hundred
megabytes after as many chunks. Other systems need nothing like this and get nothing.
"""

import ctypes
import functools
import sys
from collections.abc import Callable

BYTES_BETWEEN = 16 << 20  # of text; more often would cost time, for the pages are needed again


class FreedMemory:
    """Count the bytes of text that passed and give back memory now and then."""

    def __init__(self) -> None:
        self._num_bytes = 0

    def text_passed(self, num_bytes: int) -> None:
        """Note that a piece of text is done with."""
        self._num_bytes += num_bytes
        if self._num_bytes >= BYTES_BETWEEN:
            self._num_bytes = 0
            _give_back()(0)


@functools.cache
def _give_back() -> Callable[[int], int]:
    """Return glibc's `malloc_trim`, or something that does nothing where there is none."""
    if sys.platform != "linux":
        return lambda _: 0
    return getattr(ctypes.CDLL(None), "malloc_trim", lambda _: 0)
