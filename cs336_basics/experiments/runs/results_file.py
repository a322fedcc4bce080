"""The results of an experiment in one small file, from which a report can be written again at any time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cs336_basics.experiments.description.experiment import Experiment
from cs336_basics.experiments.runs.one_run import read_run_result
from cs336_basics.experiments.runs.plan import PlannedRun
from cs336_basics.experiments.runs.result import RunResult
from cs336_basics.files.json_file import read_json, write_json
from cs336_basics.files.lock import locked

RESULTS_FILE = "results.json"
PATIENCE_S = 60  # a moment is enough to write it
HEADER = ("name", "scale", "title", "question", "baseline", "made_for", "train_tokens", "base", "planned")


@dataclass(frozen=True, kw_only=True)
class Results:
    """An experiment and what came out of its runs."""

    name: str
    scale: str
    title: str
    question: str
    baseline: str | None
    made_for: str | None
    train_tokens: int | None
    base: dict[str, Any]
    """The configuration that all runs have in common."""
    planned: list[str]
    """The names of the folders of all runs, done or not."""
    runs: list[RunResult]
    folder: Path
    """Where they lie."""

    @property
    def missing(self) -> list[str]:
        """The runs that have no result yet."""
        done = {f"{run.variant}-seed{run.seed}" for run in self.runs}
        return [name for name in self.planned if name not in done]


def collect_results(experiment: Experiment, plans: list[PlannedRun], folder: Path) -> None:
    """Write the results of all runs that have one into the experiment's folder.

    Several processes may do so: the last one knows what the others have found.
    """
    busy = RuntimeError(
        f"results are written within {PATIENCE_S} s but another process is still at it in {folder}; give the "
        "same command again"
    )
    with locked(folder / "lock", otherwise=busy, patience_s=PATIENCE_S):
        found = [result for plan in plans if (result := read_run_result(plan.folder)) is not None]
        write_json(folder / RESULTS_FILE, results_content(experiment, plans, found))


def results_content(
    experiment: Experiment, plans: list[PlannedRun], found: list[RunResult]
) -> dict[str, Any]:
    """Return what the file holds."""
    return {
        "name": experiment.name,
        "scale": experiment.scale,
        "title": experiment.title,
        "question": experiment.question,
        "baseline": experiment.baseline,
        "made_for": experiment.made_for,
        "train_tokens": experiment.train_tokens,
        "base": experiment.base.to_dict(),
        "planned": [plan.name for plan in plans],
        "runs": [result.to_dict() for result in found],
    }


def read_results(path: Path) -> Results:
    """Return what `collect_results` wrote; anything else is a `ValueError` that names the file."""
    content = read_json(path)
    missing = {*HEADER, "runs"} - content.keys()
    if missing:
        raise ValueError(
            f"{path} must hold the results of an experiment but has no {min(missing)!r}; run it again"
        )
    if not isinstance(content["runs"], list):
        raise ValueError(f"{path} must hold a list of runs but holds {content['runs']!r:.80}; run it again")
    runs = [RunResult.from_dict(run, path=path) for run in content["runs"]]
    return Results(**{name: content[name] for name in HEADER}, runs=runs, folder=path.parent)
