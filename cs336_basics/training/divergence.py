"""What is left behind when the loss or the gradient is no finite number: the last steps, in a file."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cs336_basics.files.json_file import write_json
from cs336_basics.training.metrics import Metrics, read_metrics
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.step import NonFiniteError

REPORTED_STEPS = 20
REPORTED = ("step", "learning_rate", "gradient_norm", "loss")


@contextmanager
def reported_divergence(run: RunFolder, *, writes: bool = True) -> Iterator[None]:
    """Let a `NonFiniteError` of the block write the last steps to the run's report, and name it.

    Of several processes one `writes`.
    """
    try:
        yield
    except NonFiniteError as error:
        if not writes:
            raise
        taken = read_metrics(run.metrics)[-(REPORTED_STEPS - 1) :]
        write_json(run.divergence, divergence_report(error, taken))
        raise error.with_hint(f"the last {len(taken) + 1} steps are in {run.divergence}") from None


def divergence_report(error: NonFiniteError, taken: list[Metrics]) -> dict[str, Any]:
    """Return the step that failed behind those before it; numbers that JSON lacks are "inf" or "nan"."""
    failed = {
        "step": error.step,
        "learning_rate": error.learning_rate,
        "gradient_norm": _as_json(error.gradient_norm),
        "loss": _as_json(error.loss),
    }
    steps = [{name: metrics[name] for name in REPORTED} for metrics in taken]
    return {"error": str(error), "step": error.step, "last_steps": [*steps, failed]}


def _as_json(number: float) -> float | str:
    return number if math.isfinite(number) else str(number)
