"""Results as runs would have left them, for the tests of what is said about them."""

from pathlib import Path
from typing import Any

from cs336_basics.experiments.runs.result import RunResult
from cs336_basics.experiments.runs.results_file import Results

DATA = {
    "train": [{"num_tokens": 1000, "sha256": "a" * 64}],
    "weights": [1.0],
    "validation": {"num_tokens": 100, "sha256": "b" * 64},
    "tokenizer": "c" * 64,
}
CURVE = {"step": [6, 12], "seconds": [1.0, 2.0], "loss": [5.0, 4.5]}


def stored_run(variant: str, seed: int = 0, loss: float | None = 4.5, **values: Any) -> RunResult:
    usual: dict[str, Any] = {
        "changes": {},
        "steps": 12,
        "tokens": 120,
        "diverged": None,
        "first_loss": 7.0,
        "training_loss": loss,
        "validation_loss": loss,
        "bits_per_byte": None if loss is None else loss / 2,
        "seconds": 2.0,
        "curve": CURVE,
        "validation_curve": CURVE,
        "samples": [],
        "source": "text.txt",
        "data": DATA,
        "machine": {"python": "3", "torch": "2"},
    }
    return RunResult(variant=variant, seed=seed, **{**usual, **values})


def stored_results(runs: list[RunResult], **values: Any) -> Results:
    usual: dict[str, Any] = {
        "name": "mine",
        "scale": "tiny",
        "title": "Mine",
        "question": "Which?",
        "baseline": None,
        "made_for": None,
        "train_tokens": None,
        "base": {},
        "planned": [f"{run.variant}-seed{run.seed}" for run in runs],
        "folder": Path("nowhere"),
    }
    return Results(runs=runs, **{**usual, **values})


def rate_run(rate: float, seed: int = 0, loss: float | None = 4.5, **values: Any) -> RunResult:
    changes = {"optimizer.learning_rate": rate}
    return stored_run(f"learning_rate={rate:g}", seed, loss, changes=changes, **values)


def sweep() -> Results:
    """Three rates, two seeds each; the highest diverges with one of them."""
    return stored_results(
        [
            rate_run(0.01, 0, 4.5),
            rate_run(0.01, 1, 4.7),
            rate_run(0.02, 0, 4.125),
            rate_run(0.02, 1, 4.375),
            rate_run(0.07, 0, 4.0),
            rate_run(0.07, 1, None, diverged="loss or gradient was not finite at step 3"),
        ]
    )
