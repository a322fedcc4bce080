"""Files of token ids: one NumPy `.npy` file with a 1-D unsigned integer array, memory-mapped when read.

uint16 holds vocabularies of up to 65,536 entries in two bytes an id; larger ones take uint32.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from cs336_basics.files.atomic import replace_file
from cs336_basics.files.npy_header import NpyHeader, read_npy_header

INTEGERS = re.compile(r"[<>|][iu][1248]")  # as a header spells their types
IDS_PER_CHECK = 1 << 22  # how many ids are looked at together when a file is checked


def token_dtype(vocab_size: int) -> np.dtype:
    """Return the smallest of uint16 and uint32 that holds every id below `vocab_size`."""
    return np.dtype(np.uint16 if vocab_size <= 1 << 16 else np.uint32)


class TokenFileWriter:
    """Append ids to a `.npy` file whose length is not known beforehand; made by `write_token_file`."""

    def __init__(self, file, dtype: np.dtype) -> None:
        self._file = file
        self._dtype = dtype
        self.num_tokens = 0
        self._write_header()

    def append(self, ids: np.ndarray) -> None:
        """Write `ids`, which must fit the file's dtype, after those already written."""
        self._file.write(np.ascontiguousarray(ids, dtype=self._dtype).tobytes())
        self.num_tokens += len(ids)

    def _write_header(self) -> None:
        # NumPy leaves room for a first axis of any length, so the final header has the same size.
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": (self.num_tokens,)}
        npy_format.write_array_header_1_0(self._file, header)

    def finish(self) -> None:
        """Put the final length into the header."""
        self._file.seek(0)
        self._write_header()


@contextmanager
def write_token_file(path: str | os.PathLike[str], vocab_size: int) -> Iterator[TokenFileWriter]:
    """Open a token file that appears at `path` when the block ends without an error."""
    with replace_file(path) as file:
        writer = TokenFileWriter(file, token_dtype(vocab_size))
        yield writer
        writer.finish()


def open_token_file(path: str | os.PathLike[str], *, vocab_size: int | None = None) -> np.ndarray:
    """Memory-map the ids at `path` read-only; with `vocab_size`, check that each of them is below it.

    Raises `FileNotFoundError`, or `ValueError` for anything but a 1-D array of integers with at least one id.
    Nothing in the file can run code.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"expected a token file but found none at {path}; write one with `cs336 encode`"
        )
    ids = _map(path)
    if vocab_size is not None:
        _check_ids(ids, vocab_size, path)
    return ids


def _map(path: str | os.PathLike[str]) -> np.memmap:
    with open(path, "rb") as file:
        header = _header_of_ids(file, path)
        dtype, length = np.dtype(header.descr), header.shape[0]
        size, needed = os.fstat(file.fileno()).st_size, header.size + length * dtype.itemsize
        if size != needed:
            raise ValueError(
                f"a token file of {length} ids must have {needed} bytes but {path} has {size}; write it "
                "again with `cs336 encode`"
            )
        return np.memmap(file, dtype=dtype, mode="r", offset=header.size, shape=header.shape)


def _header_of_ids(file: IO[bytes], path: str | os.PathLike[str]) -> NpyHeader:
    """Read the header and raise `ValueError` unless it is that of a token file."""
    try:
        header = read_npy_header(file)
    except ValueError as error:
        raise ValueError(
            f"expected a .npy file of token ids but {path} is none ({error}); write one with `cs336 encode`"
        ) from None
    if not INTEGERS.fullmatch(header.descr) or len(header.shape) != 1 or header.shape == (0,):
        raise ValueError(
            f"a token file holds integers on one axis, at least one, but {path} holds {header.descr!r:.20} "
            f"of shape {header.shape!s:.60}; write one with `cs336 encode`"
        )
    return header


def _check_ids(ids: np.ndarray, vocab_size: int, path: str | os.PathLike[str]) -> None:
    """Raise `ValueError` if an id is negative or not below `vocab_size`."""
    for start in range(0, len(ids), IDS_PER_CHECK):
        block = ids[start : start + IDS_PER_CHECK]
        for id in (int(block.min()), int(block.max())):
            if not 0 <= id < vocab_size:
                raise ValueError(
                    f"token ids must lie in 0..{vocab_size - 1} for a vocabulary of {vocab_size} but {path} "
                    f"holds {id}; use the tokenizer that wrote the file, or a larger vocabulary"
                )
