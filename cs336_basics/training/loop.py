"""The training loop: when to step, to evaluate, to log, to save and to stop."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict

from cs336_basics.checkpoint.retention import check_keep
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.training.batches import batches_of_steps
from cs336_basics.training.config import RunConfig
from cs336_basics.training.divergence import reported_divergence
from cs336_basics.training.finite import require_finite
from cs336_basics.training.hold import hold
from cs336_basics.training.log import NoLog, no_log, run_log
from cs336_basics.training.memory import explained_out_of_memory
from cs336_basics.training.metrics import metrics_of_step
from cs336_basics.training.picture import draw_loss
from cs336_basics.training.processes import ONE_PROCESS, Processes
from cs336_basics.training.random_state import own_random_states
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.state import TrainingState, note_validation, save, start_or_continue
from cs336_basics.training.step import StepResult, train_step
from cs336_basics.training.stop_signals import never
from cs336_basics.training.token_data import TokenData
from cs336_basics.training.tracking.tracker import Tracker
from cs336_basics.training.trained_run import require_still_own
from cs336_basics.training.validation import ValidationInterruptedError, ValidationLosses, validate_step


def train(
    config: RunConfig,
    data: TokenData,
    run: RunFolder,
    *,
    progress: bool = False,
    keep: int = 2,
    should_stop: Callable[[], bool] = never,
    processes: Processes = ONE_PROCESS,
    trackers: Sequence[Tracker] = (),
) -> TransformerLM:
    """Train up to `config.training.steps`, from the run's last checkpoint if it has one; return the model.

    `config` must name a device and a precision, and `run` must belong to it: `prepare_run` sees to both.
    `should_stop` is asked after each step, and in an evaluation before each batch; when it says yes, a
    checkpoint is written and training ends. An evaluation that was left this way is made anew when the run
    continues, and then to its end without asking, so that a run that gets little time at once comes on too.
    `keep` checkpoints are kept, and the one with the lowest validation loss. Of several `processes` each
    calls this, and the first one logs and writes. `trackers` get the numbers that metrics.jsonl gets.
    """
    check_keep(keep)
    processes.check(config)
    with (
        hold(run) if processes.is_first else nullcontext(),
        explained_out_of_memory(config, processes),
        reported_divergence(run, writes=processes.is_first),
        own_random_states(config.training.seed, config.training.device),
    ):
        if processes.is_first:
            require_still_own(run, config, data)
        state = start_or_continue(config, data, run, keep=keep, processes=processes)
        open_log = run_log(run, config, after_step=state.steps_told, progress=progress, trackers=trackers)
        with open_log if processes.is_first else no_log() as log:
            take_steps(state, config, data, run, log, keep=keep, should_stop=should_stop, processes=processes)
    if state.steps_told == config.training.steps and processes.is_first:
        draw_loss(run.metrics, run.picture)
    return state.model


def take_steps(
    state: TrainingState,
    config: RunConfig,
    data: TokenData,
    run: RunFolder,
    log: NoLog,
    *,
    keep: int,
    should_stop: Callable[[], bool],
    processes: Processes,
) -> None:
    """Take the steps that are left: after each a line of metrics, and where it is due a checkpoint."""
    started = time.perf_counter() - state.seconds
    for result in results_of_steps(state, config, data, processes=processes):
        losses = validate_if_due(state, result, config, data, should_stop=should_stop, processes=processes)
        was_interrupted = state.awaiting_validation is not None
        state.seconds = time.perf_counter() - started
        is_best = losses is not None and note_validation(state, losses.comparable)
        if not was_interrupted:  # else the line comes when the run continues
            validation_loss = None if losses is None else losses.reported
            log.note(metrics_of_step(state.step, state.seconds, result, validation_loss, config))
        stopping = was_interrupted or processes.any(should_stop())
        if is_best or stopping or is_due(state.step, config.training.checkpoint_interval, config):
            log.sync()
            save(state, config, run, keep=keep, processes=processes)
        if stopping:
            break


def results_of_steps(
    state: TrainingState, config: RunConfig, data: TokenData, *, processes: Processes
) -> Iterator[StepResult]:
    """Take a step whenever the next result is asked for; one that awaits its validation comes first."""
    if state.awaiting_validation is not None:
        yield state.awaiting_validation
    steps_left = range(state.step + 1, config.training.steps + 1)
    for step, batch in batches_of_steps(data.train, config, steps_left, processes=processes):
        result = train_step(state.objective, state.optimizer, batch, config, step, processes=processes)
        state.step = step
        yield result


def validate_if_due(
    state: TrainingState,
    result: StepResult,
    config: RunConfig,
    data: TokenData,
    *,
    should_stop: Callable[[], bool],
    processes: Processes,
) -> ValidationLosses | None:
    """Return the losses on held-out tokens, where they are due after the step that was taken.

    When it is time to stop before they are known, `state` remembers the step's result.
    """
    if not is_due(state.step, config.training.evaluation_interval, config):
        return None
    try:
        losses = validate_step(
            state.model,
            data.validation,
            config,
            is_last=state.step == config.training.steps,
            processes=processes,
            should_stop=should_stop if state.awaiting_validation is None else never,
        )
    except ValidationInterruptedError:
        state.awaiting_validation = result
        return None
    state.awaiting_validation = None
    require_finite(state.step, validation_loss=losses.reported, **asdict(result))
    return losses


def is_due(step: int, interval: int, config: RunConfig) -> bool:
    """Say whether something that happens every `interval` steps, and after the last, happens now."""
    return step % interval == 0 or step == config.training.steps
