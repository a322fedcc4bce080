"""What a run tells about each step: a line in metrics.jsonl, the progress bar, and what tracks it besides."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from tqdm import tqdm

from cs336_basics.training.config import RunConfig
from cs336_basics.training.metrics import Metrics, append_metrics, continue_metrics, sync_metrics
from cs336_basics.training.progress import progress_bar, show
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.tracking.tracker import Log, Tracker, track


class NoLog:
    """Tells nothing: for all processes but the first."""

    def note(self, metrics: Metrics) -> None:
        """Take the numbers of a step."""

    def sync(self) -> None:
        """Make what was noted survive a power failure."""


class RunLog(NoLog):
    """Writes into the run folder, tells the trackers and moves the bar."""

    def __init__(self, file: IO[str], track: Log, bar: tqdm, config: RunConfig) -> None:
        self.file = file
        self.track = track
        self.bar = bar
        self.config = config

    def note(self, metrics: Metrics) -> None:
        """Write a line, pass it on and move the bar."""
        append_metrics(self.file, metrics)
        self.track(metrics)
        show(self.bar, metrics, self.config)

    def sync(self) -> None:
        """Flush the lines to the disk: no checkpoint is newer than they are."""
        sync_metrics(self.file)


@contextmanager
def run_log(
    run: RunFolder, config: RunConfig, *, after_step: int, progress: bool, trackers: Sequence[Tracker]
) -> Iterator[RunLog]:
    """Open the log for the steps that follow `after_step`; what it told about later ones is dropped."""
    with (
        continue_metrics(run.metrics, after_step=after_step) as file,
        track(trackers, run, config, after_step=after_step) as log,
        progress_bar(after_step, config, progress) as bar,
    ):
        yield RunLog(file, log, bar, config)


@contextmanager
def no_log() -> Iterator[NoLog]:
    """Open nothing."""
    yield NoLog()
