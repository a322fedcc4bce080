"""One process at a time on a run folder: two that write checkpoints into it would undo each other's work."""

from collections.abc import Iterator
from contextlib import contextmanager

from cs336_basics.files.inside import refuse_link
from cs336_basics.files.lock import locked
from cs336_basics.training.run_folder import RunFolder


class RunInUseError(RuntimeError):
    """Another process is at work in a run folder."""

    def __init__(self, run: RunFolder) -> None:
        super().__init__(
            f"one process at a time works on a run but another one is at work in {run.path}; wait for it, "
            "or choose another run folder"
        )


@contextmanager
def hold(run: RunFolder) -> Iterator[None]:
    """Keep others out for the length of the block; the system lets go when the process dies.

    Raises `RunInUseError` where another process is at work, and `ValueError` for a lock that is a link.
    """
    with locked(refuse_link(run.lock), otherwise=RunInUseError(run)):
        yield


def is_in_use(run: RunFolder) -> bool:
    """Say whether a process is at work in the folder now."""
    if not run.lock.is_file():
        return False
    try:
        with hold(run):
            return False
    except RunInUseError:
        return True
