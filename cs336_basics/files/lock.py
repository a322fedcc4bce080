"""A file by which one process keeps others out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from cs336_basics.files.failed_write import explain_failed_write


@contextmanager
def locked(path: Path, *, otherwise: Exception, patience_s: float = 0.0) -> Iterator[None]:
    """Hold the lock at `path` for the length of the block; the system lets go when the process dies.

    Where another process holds it for longer than `patience_s`, `otherwise` is raised.
    """
    lock = FileLock(path)
    with explain_failed_write(path, path.absolute()):
        try:
            lock.acquire(timeout=patience_s)
        except Timeout:
            raise otherwise from None
    try:
        yield
    finally:
        lock.release()
