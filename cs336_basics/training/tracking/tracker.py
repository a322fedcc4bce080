"""What a service is to the training loop: a log that is opened once and takes the numbers of each step."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Protocol, runtime_checkable

from cs336_basics.training.config import RunConfig
from cs336_basics.training.metrics import Metrics
from cs336_basics.training.run_folder import RunFolder

Log = Callable[[Metrics], None]


@runtime_checkable
class Tracker(Protocol):
    """Opens the log of a run for the steps that follow `after_step`, and closes it when the block ends.

    A run continues from its last checkpoint and repeats what came after: what the log already has of these
    steps does not count any more.
    """

    def __call__(self, run: RunFolder, config: RunConfig, *, after_step: int) -> AbstractContextManager[Log]:
        """Return the log, to be used in a `with` block."""
        ...


@contextmanager
def track(
    trackers: Sequence[Tracker], run: RunFolder, config: RunConfig, *, after_step: int
) -> Iterator[Log]:
    """Open the logs of all trackers; what is yielded writes to each of them."""
    with ExitStack() as stack:
        logs = [stack.enter_context(tracker(run, config, after_step=after_step)) for tracker in trackers]

        def log(metrics: Metrics) -> None:
            for log_to_one in logs:
                log_to_one(metrics)

        yield log


def numbers_to_log(metrics: Metrics) -> dict[str, float]:
    """Return what a step has to tell besides its own number: a step without validation has no loss of it."""
    return {name: value for name, value in metrics.items() if name != "step" and value is not None}
