"""One process at a time on a run folder: two that write checkpoints into it would undo each other's work."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from cs336_basics.training.run_folder import RunFolder


@contextmanager
def hold(run: RunFolder) -> Iterator[None]:
    """Keep others out for the length of the block; the system lets go when the process dies.

    Raises `RuntimeError` where another process is at work.
    """
    lock = FileLock(run.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RuntimeError(
            f"one process at a time works on a run but another one is at work in {run.path}; wait for it, "
            "or choose another run folder"
        ) from None
    try:
        yield
    finally:
        lock.release()
