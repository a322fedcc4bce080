"""The end of a command whose output nobody reads any more, as before `| head`."""

import os
import select
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager

STATUS = 141  # a shell's, for a program that SIGPIPE has ended


@contextmanager
def quiet_end_if_unread() -> Iterator[None]:
    """Print all that the block has written; exit without a word if its reader has gone.

    A `BrokenPipeError` of another pipe is an error like any other.
    """
    output = sys.stdout  # None in a process without a console
    try:
        try:
            yield
        finally:
            if output is not None:
                output.flush()
    except BrokenPipeError:
        if output is None or not has_lost_its_reader(output.fileno()):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())  # Python flushes once more at its end
        sys.exit(STATUS)


def has_lost_its_reader(descriptor: int) -> bool:
    """Say whether it is a pipe whose other end is closed (on Windows: whether it is a pipe)."""
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        return False
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(descriptor, 0)  # errors and the other end's closing are told unasked
    return bool(poll.poll(0))
