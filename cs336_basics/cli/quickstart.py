"""`cs336 quickstart`"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from cs336_basics.cli.command import Command
from cs336_basics.cli.stopping import exit_if_stopped, say_that_it_stops
from cs336_basics.quickstart.config import QuickstartConfig


@dataclass(frozen=True, kw_only=True)
class Quickstart(Command):
    """Train a tokenizer and a small language model on the documentation of Python, torch and numpy.

    Needs no network, no data and no accelerator, and takes about five minutes. Give the same command again
    to continue after an interruption.
    """

    minutes: float = QuickstartConfig.minutes
    """Time for training, in minutes; the number of steps follows from it."""
    steps: int | None = None
    """Number of training steps, instead of a time."""
    run: Path = QuickstartConfig.run
    """Folder where everything goes."""

    can_continue: ClassVar[bool] = True

    def execute(self) -> None:
        """Do the main job from end to end."""
        from cs336_basics.training.stop_signals import StopRequest

        stop = StopRequest(on_signal=say_that_it_stops)
        with stop:
            from cs336_basics.quickstart.pipeline import quickstart
        exit_if_stopped(stop)
        config = QuickstartConfig(minutes=self.minutes, steps=self.steps, run=self.run)
        quickstart(config, say=print, progress=True, stop=stop)
        exit_if_stopped(stop)
