"""Several runs side by side: their metrics, names that tell them apart, and what forbids to compare them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cs336_basics.training.metrics import Metrics, read_metrics
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.typed_values import converted

NEEDED = {"step": int, "tokens": int, "seconds": float, "loss": float, "validation_loss": float | None}
"""What each line of metrics must tell, and as what."""


@dataclass(frozen=True, kw_only=True)
class ComparedRun:
    """What a comparison knows of a run."""

    name: str
    """The folder's name; where several runs have it, the path as it was given."""
    metrics: list[Metrics]
    """At least one line; a run that is still going has those that are complete."""
    planned_steps: int | None
    """Steps in all, by the configuration; None: it does not say."""
    data: dict[str, Any]
    """Fingerprints of the data, by the configuration."""

    @property
    def label(self) -> str:
        """The name, and how far the run has come if it is not at its end."""
        last_step, steps = self.metrics[-1]["step"], self.planned_steps
        return self.name if steps in (None, last_step) else f"{self.name} (step {last_step:,} of {steps:,})"


def open_runs(paths: Sequence[Path]) -> list[ComparedRun]:
    """Read configurations and metrics of the runs at `paths`, each of which is given once.

    What is no run is a `FileNotFoundError`; one without metrics, or with damaged ones, a `ValueError`.
    """
    if not paths:
        raise ValueError("a comparison needs at least one run but none was given; name a run folder")
    resolved = [path.resolve() for path in paths]
    for path in paths:
        if resolved.count(path.resolve()) > 1:
            raise ValueError(f"each run can be compared once but {path} was given more than once")
    folder_names = [path.name for path in resolved]
    return [
        read_run(path, name if folder_names.count(name) == 1 else path.as_posix())
        for path, name in zip(paths, folder_names, strict=True)
    ]


def read_run(path: Path, name: str) -> ComparedRun:
    """Read one run."""
    run = RunFolder(path)
    steps = converted(run.read_part("training").get("steps"), int | None, f"{run.config}: training.steps")
    data = run.read_part("data")
    metrics = read_metrics(run.metrics)
    if not metrics:
        raise ValueError(
            f"a run can be compared after its first step but {path} has no metrics yet; train it first"
        )
    for number, line in enumerate(metrics, 1):
        check_line(line, place=f"{run.metrics} line {number}")
    return ComparedRun(name=name, metrics=metrics, planned_steps=steps, data=data)


def check_line(line: Metrics, *, place: str) -> None:
    """Raise `ValueError` unless a line of metrics tells all that is needed, in the right types."""
    for key, hint in NEEDED.items():
        if key not in line:
            raise ValueError(
                f"metrics must tell {', '.join(NEEDED)} but {place} has no {key}; restore or remove it"
            )
        converted(line[key], hint, f"{place}: {key}")


def doubts(runs: Sequence[ComparedRun]) -> list[str]:
    """Return a sentence for each kind of loss that means something else from one run to the other."""
    if differ(runs, "tokenizer"):
        return ["losses per token do not compare: the tokenizers differ, and with them what a token is"]
    return [
        f"{kind} losses do not quite compare: the {kind} tokens differ"
        for kind, part in (("training", "train"), ("validation", "validation"))
        if differ(runs, part)
    ]


def differ(runs: Sequence[ComparedRun], part: str) -> bool:
    """Say whether the fingerprints of a part of the data are not all the same, as far as they are known."""
    fingerprints = [run.data.get(part) for run in runs]
    known = [fingerprint for fingerprint in fingerprints if fingerprint is not None]
    return any(fingerprint != known[0] for fingerprint in known)
