"""The end of a command that a signal has stopped."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cs336_basics.training.stop_signals import StopRequest


def exit_if_stopped(stop: "StopRequest", *, says: bool = True) -> None:
    """Exit with the status of the signal, if there was one; of several processes one says how to go on."""
    if stop.signal is None:
        return
    if says:
        print(f"stopped by {stop.signal.name}; give the same command again to continue", file=sys.stderr)
    sys.exit(stop.exit_status)
