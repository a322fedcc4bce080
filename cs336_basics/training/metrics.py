"""The numbers of a run: a file with one JSON object a line for each step."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

from cs336_basics.files.atomic import flush_to_disk, replace_file
from cs336_basics.files.failed_write import explain_failed_write
from cs336_basics.training.config import RunConfig
from cs336_basics.training.step import StepResult

Metrics = dict[str, Any]


def metrics_of_step(
    step: int, seconds: float, result: StepResult, validation_loss: float | None, config: RunConfig
) -> Metrics:
    """Return the line of a step; `seconds` is the time since the run began."""
    return {
        "step": step,
        "seconds": round(seconds, 3),
        "tokens": step * config.tokens_per_step,
        "loss": result.loss,
        "learning_rate": result.learning_rate,
        "gradient_norm": result.gradient_norm,
        "validation_loss": validation_loss,
    }


def read_metrics(path: Path) -> list[Metrics]:
    """Return the complete lines; one that a killed run left half-written at the end is passed over.

    A line that is no JSON object with a step is a `ValueError` that names it.
    """
    if not path.is_file():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    return [_parse_line(line, f"{path} line {number}") for number, line in enumerate(lines, 1)]


def _parse_line(line: bytes, place: str) -> Metrics:
    try:
        metrics = json.loads(line)
    except ValueError as error:
        raise ValueError(
            f"metrics must be JSON but {place} is none ({error}); restore the file, or the line"
        ) from None
    if not isinstance(metrics, dict) or not isinstance(metrics.get("step"), int):
        raise ValueError(
            f"metrics must be objects with a step but {place} is none; restore the file, or the line"
        )
    return metrics


@contextmanager
def continue_metrics(path: Path, *, after_step: int) -> Iterator[IO[str]]:
    """Open the file for the steps that follow `after_step`; lines of later steps are dropped.

    A run continues from its last checkpoint and repeats what came after, so no step appears twice. A
    `ValueError` says that lines of earlier steps are missing or out of order; a disk that has no room for a
    line is a `FailedWriteError`.
    """
    kept = [metrics for metrics in read_metrics(path) if metrics["step"] <= after_step]
    _check_steps([metrics["step"] for metrics in kept], after_step, path)
    with replace_file(path, "w") as file:
        for metrics in kept:
            append_metrics(file, metrics)
    with explain_failed_write(path), open(path, "a", encoding="utf-8", newline="\n") as file:
        yield file


def _check_steps(found: list[int], last_step: int, path: Path) -> None:
    """Refuse a file that was cut, removed or written twice: a run would never get its lines back."""
    expected = range(1, last_step + 1)
    pairs = enumerate(zip_longest(expected, found), 1)
    wrong = next((number for number, (step, other) in pairs if step != other), None)
    if wrong is not None:
        raise ValueError(
            f"{path} must have a line for each of the steps 1 to {last_step} in their order but has not from "
            f"line {wrong} on; restore it, name an earlier checkpoint in checkpoints/latest, or train anew"
        )


def append_metrics(file: IO[str], metrics: Metrics) -> None:
    """Write one line and hand it to the system, so that others can watch the run."""
    file.write(json.dumps(metrics) + "\n")
    file.flush()


def sync_metrics(file: IO[str]) -> None:
    """Make the lines written so far survive a power failure: no checkpoint is newer than they are."""
    flush_to_disk(file, Path(file.name))
