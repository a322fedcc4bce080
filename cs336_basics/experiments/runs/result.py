"""What came out of one run, as a report needs it."""

import dataclasses
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cs336_basics.evaluation.held_out_loss import EvaluationResult
from cs336_basics.training.metrics import Metrics

CURVE_POINTS = 50
LAST_STEPS = 10  # whose mean is the training loss at the end; of a very short run a quarter


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The result of a run: a diverged one is a result too."""

    variant: str
    seed: int
    changes: dict[str, Any]
    """What differs from the base: dotted field -> value."""
    steps: int
    """Steps taken."""
    tokens: int
    """Tokens seen."""
    diverged: str | None
    """Why the run counts as diverged; None: it does not."""
    first_loss: float | None
    """Training loss of the first step, nats per token."""
    training_loss: float | None
    """Mean training loss of the last steps, nats per token."""
    validation_loss: float | None
    """Loss on all validation tokens after the last step, nats per token; None for a run that has none."""
    bits_per_byte: float | None
    """The same in bits per byte of text."""
    seconds: float
    """Time that the run took, evaluations included."""
    curve: dict[str, list[float]]
    """Training loss, mean of neighbouring steps: columns step, seconds, loss."""
    validation_curve: dict[str, list[float]]
    """Validation loss, on a part of the tokens until the last: columns step, seconds, loss."""
    samples: list[dict[str, Any]]
    """What the model wrote: prompt, temperature, top_p, text."""
    source: str
    """The text."""
    data: dict[str, Any]
    """Number and SHA-256 of tokens, and SHA-256 of the tokenizer."""
    machine: dict[str, Any]
    """Versions and processor."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as JSON holds them."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Any, *, path: Path) -> "RunResult":
        """Undo `to_dict`; values of another shape are a `ValueError` that names the file."""
        if not isinstance(values, dict):
            raise ValueError(
                f"{path} must hold the result of a run but holds {values!r:.80}; remove the file and run the "
                "experiment again"
            )
        names = {field.name for field in dataclasses.fields(cls)}
        if values.keys() != names:
            different = min(values.keys() ^ names)
            raise ValueError(
                f"{path} must hold the result of a run as this version writes it but {different!r} is "
                "missing or unknown there; remove the file and run the experiment again"
            )
        return cls(**values)


def bits_per_byte(loss: float, *, num_tokens: int, num_bytes: int) -> float:
    """Return a mean loss in nats per token as bits per byte."""
    return EvaluationResult(total_nats=loss * num_tokens, num_tokens=num_tokens).bits_per_byte(num_bytes)


def thinned_curve(metrics: list[Metrics], *, points: int = CURVE_POINTS) -> dict[str, list[float]]:
    """Return the training loss as `points` columns at most: means of neighbours, placed at their ends."""
    size = max(1, -(-len(metrics) // points))
    pieces = [metrics[start : start + size] for start in range(0, len(metrics), size)]
    return {
        "step": [piece[-1]["step"] for piece in pieces],
        "seconds": [round(piece[-1]["seconds"], 2) for piece in pieces],
        "loss": [round(statistics.fmean(line["loss"] for line in piece), 4) for piece in pieces],
    }


def validation_curve(metrics: list[Metrics]) -> dict[str, list[float]]:
    """Return the validation losses that were measured."""
    lines = [line for line in metrics if line["validation_loss"] is not None]
    return {
        "step": [line["step"] for line in lines],
        "seconds": [round(line["seconds"], 2) for line in lines],
        "loss": [round(line["validation_loss"], 4) for line in lines],
    }


def last_training_loss(metrics: list[Metrics]) -> float | None:
    """Return the mean loss of the last steps."""
    num_steps = min(LAST_STEPS, -(-len(metrics) // 4))
    return statistics.fmean(line["loss"] for line in metrics[-num_steps:]) if metrics else None
