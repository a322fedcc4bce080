"""What is left behind when something is not finite: the last steps, in a file."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cs336_basics.files.json_file import write_json
from cs336_basics.training.finite import NonFiniteError
from cs336_basics.training.metrics import Metrics, read_metrics
from cs336_basics.training.run_folder import RunFolder

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
        report = divergence_report(error, read_metrics(run.metrics))
        write_json(run.divergence, report)
        raise error.with_hint(f"the last {len(report['last_steps'])} steps are in {run.divergence}") from None


def divergence_report(error: NonFiniteError, noted: list[Metrics]) -> dict[str, Any]:
    """Return the last steps, and after them the one that failed if its line was not `noted`.

    Numbers that JSON lacks are "inf" or "nan".
    """
    steps = [{name: metrics[name] for name in REPORTED} for metrics in noted]
    if error.numbers:
        failed = {name: _as_json(number) for name, number in error.numbers.items()}
        steps.append({"step": error.step, **failed})
    return {"error": str(error), "step": error.step, "last_steps": steps[-REPORTED_STEPS:]}


def _as_json(number: float) -> float | str:
    return number if math.isfinite(number) else str(number)
