"""The training loop: when to step, to evaluate, to log, to save and to stop."""

import time
from collections.abc import Callable, Sequence
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
from cs336_basics.training.step import train_step
from cs336_basics.training.token_data import TokenData
from cs336_basics.training.tracking.tracker import Tracker
from cs336_basics.training.validation import validate


def never() -> bool:
    """Say no, whenever it is asked whether to stop."""
    return False


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
    `should_stop` is asked after each step; when it says yes, a checkpoint is written and training ends.
    `keep` checkpoints are kept, and the one with the lowest validation loss. Of several `processes` each
    calls this, and the first one logs and writes. `trackers` get the numbers that metrics.jsonl gets.
    """
    check_keep(keep)
    processes.check(config)
    with (
        hold(run) if processes.is_first else nullcontext(),
        explained_out_of_memory(config),
        reported_divergence(run, writes=processes.is_first),
        own_random_states(config.training.seed, config.training.device),
    ):
        state = start_or_continue(config, data, run, keep=keep, processes=processes)
        open_log = run_log(run, config, after_step=state.step, progress=progress, trackers=trackers)
        with open_log if processes.is_first else no_log() as log:
            take_steps(state, config, data, run, log, keep=keep, should_stop=should_stop, processes=processes)
    if state.step == config.training.steps and processes.is_first:
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
    last_step = config.training.steps
    started = time.perf_counter() - state.seconds
    steps_left = range(state.step + 1, last_step + 1)
    for step, batch in batches_of_steps(data.train, config, steps_left, processes=processes):
        result = train_step(state.objective, state.optimizer, batch, config, step, processes=processes)
        validation_loss = None
        if is_due(step, config.training.evaluation_interval, last_step):
            is_last = step == last_step
            validation = validate(state.model, data.validation, config, whole=is_last, processes=processes)
            validation_loss = validation.loss
            require_finite(step, validation_loss=validation_loss, **asdict(result))
        state.step, state.seconds = step, time.perf_counter() - started
        is_best = note_validation(state, validation_loss)
        log.note(metrics_of_step(step, state.seconds, result, validation_loss, config))
        stopping = processes.largest(int(should_stop())) > 0
        if is_best or stopping or is_due(step, config.training.checkpoint_interval, last_step):
            log.sync()
            save(state, config, run, keep=keep, processes=processes)
        if stopping:
            break


def is_due(step: int, interval: int, last_step: int) -> bool:
    """Say whether something that happens every `interval` steps, and after the last, happens now."""
    return step % interval == 0 or step == last_step
