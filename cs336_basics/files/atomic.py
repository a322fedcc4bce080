"""Write a file whole or not at all: beside its final place, flushed to the disk, then renamed.

A reader, or a run that is killed half-way, only ever sees the old file or the new one. A kill can leave
`.NAME.unfinished` behind; the next write of the same file takes its place.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


@contextmanager
def replace_file(path: str | os.PathLike[str], mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a file that takes the place of `path` when the block ends, and disappears when it fails.

    Text modes write UTF-8 with bare newlines on every system. A folder that does not exist is a
    `FileNotFoundError`.
    """
    destination = Path(path)
    if not destination.parent.is_dir():
        raise FileNotFoundError(
            f"the folder of a file to be written must exist but {destination.parent} does not; make it first"
        )
    beside = destination.with_name(f".{destination.name}.unfinished")
    encoding, newline = (None, None) if "b" in mode else ("utf-8", "\n")
    try:
        with open(beside, mode, encoding=encoding, newline=newline) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, destination)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in NO_ROOM and error.filename is None:
            error.filename = str(destination)  # a failed write does not know where to
        raise
    sync_folder(destination.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power failure (a folder cannot be opened on Windows)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
