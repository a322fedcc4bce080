"""Run an experiment from end to end: text, tokens, all its runs, its results."""

from collections.abc import Callable
from pathlib import Path

from cs336_basics.experiments.description.experiment import Experiment
from cs336_basics.experiments.runs.jobs import do_runs
from cs336_basics.experiments.runs.one_run import Outcome
from cs336_basics.experiments.runs.plan import PlannedRun, plan_runs
from cs336_basics.experiments.runs.results_file import collect_results
from cs336_basics.experiments.runs.token_sets import open_source
from cs336_basics.files.atomic import make_folder
from cs336_basics.training.hold import hold
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.stop_signals import never


def run_experiment(
    experiment: Experiment,
    output: Path,
    *,
    data: tuple[Path, ...] = (),
    jobs: int = 1,
    say: Callable[[str], None],
    progress: bool = False,
    should_stop: Callable[[], bool] = never,
) -> None:
    """Do the runs of an experiment that are not done yet, below `output`, and `say` what becomes of each.

    Texts, tokens and the precision are shared by all experiments below `output`. What `data` may be,
    `open_source` says.
    """
    plans = prepare(experiment, output, data=data, progress=progress)
    folder = output / experiment.name
    make_folder(folder)
    collect_results(experiment, plans, folder)
    say(f"{experiment.name}, scale {experiment.scale}: {len(plans)} runs on {plans[0].source}")
    outcomes = do_runs(plans, jobs=jobs, should_stop=should_stop, progress=progress)
    for number, outcome in enumerate(outcomes, 1):
        collect_results(experiment, plans, folder)
        say(f"{number}/{len(plans)} {outcome.name}: {described(outcome)}")


def prepare(
    experiment: Experiment, output: Path, *, data: tuple[Path, ...], progress: bool
) -> list[PlannedRun]:
    """Make what the runs need and return them; one process at a time does so."""
    shared = output / "data"
    make_folder(shared)
    with hold(RunFolder(shared)):
        source = open_source(data, shared, experiment.scale, progress=progress)
        return plan_runs(experiment, source, output, progress=progress)


def described(outcome: Outcome) -> str:
    """Return what became of a run, in a few words."""
    result = outcome.result
    if result is None:
        return {
            "stopped": "stopped and saved; the same command continues it",
            "in use": "passed over, because another process is at work on it",
        }[outcome.state]
    kept = "kept: " if outcome.state == "kept" else ""
    loss = "" if result.validation_loss is None else f"validation loss {result.validation_loss:.4f}, "
    diverged = "" if result.diverged is None else f"diverged ({result.diverged}), "
    return f"{kept}{diverged}{loss}{result.seconds:.0f} s"
