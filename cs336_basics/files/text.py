"""Read text files: UTF-8 only, no newline translation, and errors that say what to do.

The bytes of a file and the string that is tokenized correspond exactly: "\\r\\n" stays two characters,
and a file that is not valid UTF-8 is refused instead of being mended silently.
"""

import os
from pathlib import Path


def require_text_file(path: str | os.PathLike[str]) -> Path:
    """Return `path` if it is a file with something in it, else raise `FileNotFoundError` or `ValueError`."""
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"expected a text file but found none at {file}; check the path")
    if file.stat().st_size == 0:
        raise ValueError(f"expected some text but {file} is empty; give a file with text in it")
    return file


def decode_utf8(data: bytes, *, path: str | os.PathLike[str], offset: int = 0) -> str:
    """Decode `data`, which starts at byte `offset` of the file `path`, or say where it is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"a text file must be UTF-8 but {path} has byte 0x{data[error.start]:02x} at position "
            f"{offset + error.start}; convert it first, for example with iconv -t UTF-8"
        ) from None
