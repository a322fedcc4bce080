"""The end of a command that a signal has stopped."""

import os
import sys
from contextlib import suppress
from signal import Signals
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cs336_basics.training.stop_signals import StopRequest


def say_that_it_stops(received: Signals) -> None:
    """Say at once that a signal has arrived, past Python's buffers, which a handler must not touch."""
    if sys.stderr is None:
        return
    message = f"\n{received.name}: stopping as soon as it can; a second one ends at once\n"
    with suppress(OSError):  # nobody may be there to read it
        os.write(sys.stderr.fileno(), message.encode())


def exit_if_stopped(stop: "StopRequest", *, says: bool = True) -> None:
    """Exit with the status of the signal, if there was one; of several processes one says how to go on."""
    if stop.signal is None:
        return
    if says:
        print(f"stopped by {stop.signal.name}; give the same command again to continue", file=sys.stderr)
    sys.exit(stop.exit_status)
