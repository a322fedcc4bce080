"""A run that is torn off behind its last checkpoint and continued, with trackers."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cs336_basics.checkpoint.newest_whole import newest_whole_checkpoint
from cs336_basics.checkpoint.run_checkpoint import OPTIMIZER, WEIGHTS
from cs336_basics.training.loop import train
from cs336_basics.training.metrics import Metrics, read_metrics
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.tracking.tracker import Tracker
from tests.unit.training.small_run import run_folder, token_data, with_training

CONFIG = with_training(steps=12, checkpoint_interval=5, evaluation_interval=6)
TORN_AFTER = 9  # the last checkpoint is that of step 5, or of 6 where the validation loss was measured


class PowerFailureError(Exception):
    """What tears the run off."""


def tear_after(step: int, run: RunFolder) -> Callable[[], bool]:
    def should_stop() -> bool:
        if len(read_metrics(run.metrics)) == step:
            raise PowerFailureError
        return False

    return should_stop


def interrupted_run(path: Path, trackers: Sequence[Tracker]) -> RunFolder:
    """Train to step 9, lose what follows step 6, and train to the end, step 12."""
    run = run_folder(path)
    with pytest.raises(PowerFailureError):
        train(CONFIG, token_data(), run, should_stop=tear_after(TORN_AFTER, run), trackers=trackers)
    assert [line["step"] for line in read_metrics(run.metrics)] == list(range(1, TORN_AFTER + 1))
    train(CONFIG, token_data(), run, trackers=trackers)
    return run


def series(lines: Sequence[Metrics]) -> dict[str, list[tuple[int, float]]]:
    """Return (step, value) by name, as trackers hold them."""
    names = [name for name in lines[0] if name != "step"]
    return {name: [(line["step"], line[name]) for line in lines if line[name] is not None] for name in names}


def checkpointed_content(run: RunFolder) -> dict[str, bytes]:
    """Return weights and optimizer of the last checkpoint."""
    folder = newest_whole_checkpoint(run.checkpoints)
    assert folder is not None
    return {name: (folder / name).read_bytes() for name in (WEIGHTS, OPTIMIZER)}
