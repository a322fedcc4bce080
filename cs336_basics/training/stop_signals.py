"""Stop a run in good order when the system or the user asks for it by a signal.

Schedulers send SIGTERM some time before they take the machine away; Ctrl-C is SIGINT. The first of them is
only remembered, for the loop to ask after each step and in evaluations; a second one ends the process at
once.
"""

import signal
from collections.abc import Callable
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def never() -> bool:
    """Say no, whenever it is asked whether to stop."""
    return False


class StopRequest:
    """Whether a signal has asked to stop: call it to know. Signals are received inside a `with` block.

    It is for the main thread of a program of one's own; enter it before torch and numpy are loaded, which can
    lose the exception that Ctrl-C raises otherwise. A signal that the process was started to ignore
    (`nohup`, a shell's background job) stays ignored. `torchrun` hands on what its processes may have got
    already, and kills those that do not end: for `one_of_several` a second signal means nothing.
    `on_signal` is called at once with the first one, and may do only what a handler of signals may.
    """

    def __init__(
        self,
        *,
        enabled: bool = True,
        one_of_several: bool = False,
        on_signal: Callable[[signal.Signals], None] | None = None,
    ) -> None:
        self._on_signal = on_signal
        self.signal: signal.Signals | None = None
        self._received = STOP_SIGNALS if enabled else ()
        self._next_handler = signal.SIG_IGN if one_of_several else signal.SIG_DFL
        self._before: dict[signal.Signals, object] = {}

    def __call__(self) -> bool:
        """Say whether to stop."""
        return self.signal is not None

    @property
    def number(self) -> int:
        """The number of the signal, 0 for none."""
        return 0 if self.signal is None else self.signal.value

    def adopt(self, number: int) -> None:
        """Take over the signal that another process has received, if its number is not 0."""
        if number != 0:
            self.signal = signal.Signals(number)

    @property
    def exit_status(self) -> int:
        """128 and the number of the signal, as a shell has it: 143 for SIGTERM, 130 for SIGINT."""
        assert self.signal is not None
        return 128 + self.signal.value

    def __enter__(self) -> "StopRequest":
        handlers = {number: signal.getsignal(number) for number in self._received}
        self._before = {number: old for number, old in handlers.items() if old is not signal.SIG_IGN}
        for number in self._before:
            signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]

    def _receive(self, number: int, frame: FrameType | None) -> None:
        """Remember the signal, and let the next one meet another handler."""
        self.signal = signal.Signals(number)
        for each in self._before:
            signal.signal(each, self._next_handler)
        if self._on_signal is not None:
            self._on_signal(self.signal)
