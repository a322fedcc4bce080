"""The header of a NumPy `.npy` file, read strictly: a file from elsewhere can hold anything.

`np.load` would take an archive or a pickle for an array too, and fails on a damaged header in a dozen ways.
The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import ast
from dataclasses import dataclass
from typing import IO, Any

MAGIC = b"\x93NUMPY"
LENGTH_SIZES = {b"\x01\x00": 2, b"\x02\x00": 4, b"\x03\x00": 4}  # version: bytes of the header's length
MAX_LENGTH = 4096  # NumPy writes 118 bytes for an array of numbers
MAX_AXIS = 1 << 63  # what a file could have
KEYS = {"descr", "fortran_order", "shape"}


@dataclass(frozen=True, kw_only=True)
class NpyHeader:
    """What the beginning of the file says of the array after it."""

    descr: str
    """The type of an entry as NumPy spells it, such as "<u2"; not checked."""
    shape: tuple[int, ...]
    """The lengths of the axes, each below `MAX_AXIS`."""
    size: int
    """Bytes before the first entry."""


def read_npy_header(file: IO[bytes]) -> NpyHeader:
    """Read the header at the beginning of `file`; a `ValueError` says in a clause what is wrong with it."""
    fields = _literal(_header_text(file))
    if not isinstance(fields, dict) or fields.keys() != KEYS:
        raise ValueError(f"its header has not the keys {', '.join(sorted(KEYS))}")
    descr, shape = fields["descr"], fields["shape"]
    if not isinstance(descr, str):
        raise ValueError("its entries are no plain numbers")
    if not isinstance(shape, tuple) or not all(map(_is_length, shape)):
        raise ValueError("its shape is no tuple of lengths")
    return NpyHeader(descr=descr, shape=shape, size=file.tell())


def _is_length(axis: object) -> bool:
    return type(axis) is int and 0 <= axis < MAX_AXIS


def _header_text(file: IO[bytes]) -> str:
    if file.read(len(MAGIC)) != MAGIC:
        raise ValueError("it does not begin like one")
    length_size = LENGTH_SIZES.get(file.read(2))
    if length_size is None:
        raise ValueError("its version is not 1.0, 2.0 or 3.0")
    length = int.from_bytes(file.read(length_size), "little")
    if length > MAX_LENGTH:
        raise ValueError(f"its header of {length} bytes is longer than {MAX_LENGTH}")
    header = file.read(length)
    if len(header) < length:
        raise ValueError("it ends within its header")
    return header.decode("latin1")


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):  # all that it is documented for
        raise ValueError("its header is no dictionary of plain values") from None
