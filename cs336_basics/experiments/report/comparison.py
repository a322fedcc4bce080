"""Which numbers of an experiment may be held side by side, and its variants over their seeds."""

import statistics
from dataclasses import dataclass
from typing import Any

from cs336_basics.experiments.runs.result import RunResult
from cs336_basics.experiments.runs.results_file import Results


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number that says how good a run is: lower is better."""

    field: str
    name: str
    unit: str

    def of(self, run: RunResult) -> float | None:
        """Return the number of a run; None if it has none, or if it has diverged."""
        return None if run.diverged is not None else getattr(run, self.field)


LOSS = Measure(field="validation_loss", name="validation loss", unit="nats per token")
BITS_PER_BYTE = Measure(field="bits_per_byte", name="bits per byte", unit="bits per byte of text")
TRAINING_LOSS = Measure(field="training_loss", name="training loss", unit="nats per token")


def have_same_data(runs: list[RunResult]) -> bool:
    """Say whether all runs have the same tokens of the same tokenizer: only then losses can be compared."""
    return all(run.data == runs[0].data for run in runs)


def measure_of(results: Results) -> Measure:
    """Return by what the runs are compared: loss per token means something among equal tokens only.

    An experiment on the beginning of a text asks how well it can be learned by heart: the training loss.
    """
    if results.train_tokens is not None:
        return TRAINING_LOSS
    return LOSS if have_same_data(results.runs) else BITS_PER_BYTE


@dataclass(frozen=True, kw_only=True)
class VariantSummary:
    """The runs of a variant, one for each seed."""

    name: str
    runs: list[RunResult]
    measure: Measure

    @property
    def changes(self) -> dict[str, Any]:
        """What the variant changes."""
        return self.runs[0].changes

    @property
    def values(self) -> list[float]:
        """The measure of the runs that have not diverged."""
        return [value for run in self.runs if (value := self.measure.of(run)) is not None]

    @property
    def mean(self) -> float | None:
        """The mean over seeds; None if one of them has diverged: the rest would be a choice of the lucky."""
        return statistics.fmean(self.values) if len(self.values) == len(self.runs) else None

    @property
    def num_diverged(self) -> int:
        """How many runs have diverged."""
        return sum(run.diverged is not None for run in self.runs)


def summaries_of(results: Results, measure: Measure | None = None) -> list[VariantSummary]:
    """Return the variants that have results, in the order of the file."""
    measure = measure_of(results) if measure is None else measure
    by_name: dict[str, list[RunResult]] = {}
    for run in results.runs:
        by_name.setdefault(run.variant, []).append(run)
    return [VariantSummary(name=name, runs=runs, measure=measure) for name, runs in by_name.items()]


def best_of(summaries: list[VariantSummary]) -> VariantSummary | None:
    """Return the variant with the lowest mean; None if there is none without divergence."""
    whole = [summary for summary in summaries if summary.mean is not None]
    return min(whole, key=lambda summary: summary.mean or 0.0, default=None)
