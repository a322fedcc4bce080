"""Write a file whole or not at all: beside its final place, flushed to the disk, then renamed.

A reader, or a run that is killed half-way, only ever sees the old file or the new one. A kill can leave
`.NAME.unfinished` behind; the next write of the same file takes its place. So does a second writer at the
same time: the first one notices at its end, though not to the last microsecond, and fails. Where processes
are expected to meet, a lock keeps them apart (`lock.py`).
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from cs336_basics.files.failed_write import FailedWriteError, WrittenByAnotherError, explain_failed_write

NO_SYNC_OF_FOLDERS = {errno.EINVAL, errno.EBADF}  # from network mounts, when the file itself is in place


@contextmanager
def replace_file(path: str | os.PathLike[str], mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a file that takes the place of `path` when the block ends, and disappears when it fails.

    Text modes write UTF-8 with bare newlines on every system. A folder that does not exist is a
    `FileNotFoundError`; a disk that has no room, or refuses for another reason, or a second writer that has
    begun meanwhile, is a `FailedWriteError`. A file that was there keeps its permissions. A link to a
    file is replaced, not followed; one to a folder, a device or a pipe is an `OSError`, as these are.
    """
    with _beside(Path(path)) as beside, open_new_file(beside, mode) as file:
        _take_permissions(Path(path), beside)
        yield file
        flush_to_disk(file, Path(path))
        if _is_taken(beside, file):
            raise WrittenByAnotherError(path)


@contextmanager
def replace_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield the path of an empty file for a library to write; else this does what `replace_file` does.

    What files of its own a killed library leaves behind is not known here. A second writer is not noticed.
    """
    with _beside(Path(path)) as beside:
        open_new_file(beside, "wb").close()
        _take_permissions(Path(path), beside)
        yield beside
        with open(beside, "rb+") as file:
            flush_to_disk(file, Path(path))


def _take_permissions(destination: Path, beside: Path) -> None:
    """Give the new file those of the old one, before anything is in it."""
    if os.name == "nt" or destination.is_symlink():
        return
    with suppress(OSError):  # there is no old one, or the disk knows no permissions
        beside.chmod(destination.stat().st_mode & 0o777)


def _is_taken(beside: Path, file: IO[Any]) -> bool:
    """Say whether another writer has put a file of its own in the place of `file`."""
    if os.name == "nt":  # where no file is removed while it is open
        return False
    return not (beside.exists() and os.path.samestat(os.fstat(file.fileno()), beside.stat()))


@contextmanager
def _beside(destination: Path) -> Iterator[Path]:
    """Yield the path of the file that gets the name `destination` when the block ends."""
    beside = unfinished_path(destination)
    if destination.is_dir():
        raise IsADirectoryError(
            f"a file to be written must not be a folder but {destination} is one; name a file"
        )
    if destination.exists() and not destination.is_file():
        raise OSError(
            f"a file to be written must be an ordinary one but {destination} is a device or a pipe, which it "
            "would replace; name another"
        )
    if not destination.parent.is_dir():
        raise FileNotFoundError(
            f"the folder of a file to be written must exist but {destination.parent} does not; make it first"
        )
    try:
        with explain_failed_write(destination, beside):
            yield beside
            os.replace(beside, destination)
    except WrittenByAnotherError:
        raise  # what lies there is the other's
    except BaseException:
        with suppress(OSError):  # what failed first is what must be told
            beside.unlink(missing_ok=True)
        raise
    sync_folder(destination.parent)


def unfinished_path(destination: Path) -> Path:
    """Return where something is written that is to become `destination`; `ValueError` if that is no name."""
    if destination.name in ("", ".."):
        raise ValueError(
            f"what is to be written must have a name but '{destination}' is none; give one that can be made"
        )
    return destination.with_name(f".{destination.name}.unfinished")


def open_new_file(path: Path, mode: str) -> IO[Any]:
    """Open `path` for writing, without what may lie there: a link would lead the content elsewhere."""
    path.unlink(missing_ok=True)
    encoding, newline = (None, None) if "b" in mode else ("utf-8", "\n")
    return open(path, mode.replace("w", "x"), encoding=encoding, newline=newline)


def flush_to_disk(file: IO[Any], path: Path) -> None:
    """Make what was written to `file`, which is or becomes `path`, survive a power failure."""
    with explain_failed_write(path, any_reason=True):
        file.flush()
        os.fsync(file.fileno())


def make_folder(folder: Path) -> None:
    """Make a folder where it is missing, and those above it, so that they survive a power failure."""
    if folder.is_dir() or folder == folder.parent:  # a drive of Windows may not be there
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power failure (a folder cannot be opened on Windows)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_SYNC_OF_FOLDERS:
            raise FailedWriteError(folder, error) from error
    finally:
        os.close(descriptor)
