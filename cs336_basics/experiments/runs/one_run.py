"""One run of an experiment: kept if its result is there, continued if it was interrupted, else trained."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cs336_basics.experiments.runs.plan import PlannedRun
from cs336_basics.experiments.runs.result import (
    RunResult,
    bits_per_byte,
    last_training_loss,
    thinned_curve,
    validation_curve,
)
from cs336_basics.experiments.runs.samples import write_samples
from cs336_basics.files.json_file import read_json, write_json
from cs336_basics.tokenization import Tokenizer
from cs336_basics.training.differences import differences
from cs336_basics.training.finite import NonFiniteError
from cs336_basics.training.hold import RunInUseError, hold
from cs336_basics.training.loop import train
from cs336_basics.training.metrics import read_metrics
from cs336_basics.training.scoring import num_bytes_of
from cs336_basics.training.start import prepare_run
from cs336_basics.training.stop_signals import never
from cs336_basics.training.token_data import TokenData

JOB = "experiment"
RESULT_FILE = "result.json"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a run: kept as it was, done, stopped by a signal, or in use by another process."""

    name: str
    state: Literal["kept", "done", "stopped", "in use"]
    result: RunResult | None = None


def do_run(plan: PlannedRun, *, should_stop: Callable[[], bool] = never, progress: bool = False) -> Outcome:
    """Do a run that has no result yet, and store its result; one that diverges has a result too."""
    try:
        result = train_and_measure(plan, should_stop=should_stop, progress=progress)
        if result is None:
            return Outcome(name=plan.name, state="stopped")
        content = {"config": plan.config.to_dict(), "result": result.to_dict()}
        with hold(plan.run):
            write_json(plan.folder / RESULT_FILE, content)
    except RunInUseError:
        return Outcome(name=plan.name, state="in use")
    return Outcome(name=plan.name, state="done", result=result)


def read_run_result(folder: Path) -> RunResult | None:
    """Return the result in a run folder; None if there is none yet."""
    path = folder / RESULT_FILE
    return RunResult.from_dict(read_json(path).get("result"), path=path) if path.is_file() else None


def kept_result(plan: PlannedRun) -> RunResult | None:
    """Return the result that is there; that of another configuration is a `ValueError`."""
    stored = read_run_result(plan.folder)
    if stored is None:
        return None
    config = read_json(plan.folder / RESULT_FILE).get("config")
    differing = differences(config, plan.config.to_dict(), "config")
    if differing:
        raise ValueError(
            f"the run at {plan.folder} belongs to another configuration ({'; '.join(differing)}); choose "
            "another --output, or remove the run"
        )
    return stored


def train_and_measure(
    plan: PlannedRun, *, should_stop: Callable[[], bool], progress: bool
) -> RunResult | None:
    """Train from the run's last checkpoint, or from the start; None if it was stopped on the way."""
    config, data = prepare_run(
        plan.config,
        plan.run,
        job=JOB,
        tokens=plan.token_set.tokens,
        tokenizer=plan.token_set.tokenizer,
        notes={"experiment": plan.experiment, "variant": plan.variant},
    )
    tokenizer = Tokenizer.from_folder(plan.run.tokenizer)
    try:
        model = train(config, data, plan.run, progress=progress, keep=1, should_stop=should_stop)
    except NonFiniteError as error:
        reason = f"loss or gradient was not finite at step {error.step}"
        return measured(plan, data, tokenizer, diverged=reason, samples=[])
    if len(read_metrics(plan.run.metrics)) < config.training.steps:
        return None
    samples = [] if plan.samples is None else write_samples(model, tokenizer, plan.samples)
    return measured(plan, data, tokenizer, diverged=None, samples=samples)


def measured(
    plan: PlannedRun,
    data: TokenData,
    tokenizer: Tokenizer,
    *,
    diverged: str | None,
    samples: list[dict[str, Any]],
) -> RunResult:
    """Return what the files of a run tell."""
    metrics = read_metrics(plan.run.metrics)
    first_loss = metrics[0]["loss"] if metrics else None
    training_loss = last_training_loss(metrics)
    if (
        diverged is None
        and first_loss is not None
        and training_loss is not None
        and training_loss > first_loss
    ):
        diverged = "the training loss ended above its beginning"
    finished = bool(metrics) and metrics[-1]["step"] == plan.config.training.steps
    validation_loss = metrics[-1]["validation_loss"] if finished else None
    num_bytes = num_bytes_of(data.validation, tokenizer)
    return RunResult(
        variant=plan.variant,
        seed=plan.seed,
        changes=plan.changes,
        steps=metrics[-1]["step"] if metrics else 0,
        tokens=metrics[-1]["tokens"] if metrics else 0,
        diverged=diverged,
        first_loss=first_loss,
        training_loss=training_loss,
        validation_loss=validation_loss,
        bits_per_byte=None
        if validation_loss is None
        else bits_per_byte(validation_loss, num_tokens=len(data.validation), num_bytes=num_bytes),
        seconds=metrics[-1]["seconds"] if metrics else 0.0,
        curve=thinned_curve(metrics),
        validation_curve=validation_curve(metrics),
        samples=samples,
        source=plan.source,
        data=plan.run.read_config()["data"],
        machine=plan.run.read_config()["machine"],
    )
