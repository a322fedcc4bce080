"""Stop a run in good order when the system or the user asks for it by a signal.

Schedulers send SIGTERM some time before they take the machine away; Ctrl-C is SIGINT. The first of them is
only remembered, for the loop to ask after each step; a second one ends the process at once.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Whether a signal has asked to stop: call it to know."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def __call__(self) -> bool:
        """Say whether to stop."""
        return self.signal is not None

    @property
    def exit_status(self) -> int:
        """128 and the number of the signal, as a shell has it: 143 for SIGTERM, 130 for SIGINT."""
        assert self.signal is not None
        return 128 + self.signal.value

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Remember the signal, and let the system's own way of ending be what the next one meets."""
        self.signal = signal.Signals(number)
        for each in STOP_SIGNALS:
            if signal.getsignal(each) == self.receive:
                signal.signal(each, signal.SIG_DFL)


@contextmanager
def stop_on_signals(*, enabled: bool = True) -> Iterator[StopRequest]:
    """Receive signals for the length of the block, in the main thread of a program of one's own.

    A signal that the process was started to ignore (`nohup`, a shell's background job) stays ignored.
    """
    request = StopRequest()
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS} if enabled else {}
    received = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in received:
        signal.signal(number, request.receive)
    try:
        yield request
    finally:
        for number in received:
            signal.signal(number, before[number])
