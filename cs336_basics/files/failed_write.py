"""The error of a write that the system refused: which file, why, and what to do."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


class FailedWriteError(OSError):
    """A file could not be written; what was there before is as it was."""

    def __init__(self, path: str | os.PathLike[str], cause: OSError) -> None:
        self.reason = cause.strerror or str(cause)
        super().__init__(cause.errno, self.reason, str(path))

    def __str__(self) -> str:
        remedy = "make room there" if self.errno in NO_ROOM else "look at the disk and its permissions"
        return f"{self.filename} must be written whole but cannot be ({self.reason}); {remedy} and try again"


class WrittenByAnotherError(FailedWriteError):
    """Another writer has begun with the same file; what it writes is left to it."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path, OSError(errno.EBUSY, os.strerror(errno.EBUSY)))

    def __str__(self) -> str:
        return (
            f"one process at a time writes a file but another one has begun to write {self.filename}; wait "
            "for it and try again"
        )


@contextmanager
def explain_failed_write(path: Path, *others: Path, any_reason: bool = False) -> Iterator[None]:
    """Turn errors of the system that concern writing `path` into `FailedWriteError`.

    These are: a lack of room where no file is named (a failed write does not know where to), everything that
    names `path` or one of `others`, and with `any_reason` everything.
    """
    own_names = {str(name) for name in (path, *others)}
    try:
        yield
    except FailedWriteError:
        raise
    except OSError as error:
        no_room = error.errno in NO_ROOM and error.filename is None
        if any_reason or no_room or str(error.filename) in own_names:
            raise FailedWriteError(path, error) from error
        raise
