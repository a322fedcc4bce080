"""The training loop: when to step, to evaluate, to log, to save and to stop."""

import time
from collections.abc import Callable

from cs336_basics.checkpoint.retention import check_keep
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.training.config import RunConfig
from cs336_basics.training.divergence import reported_divergence
from cs336_basics.training.metrics import append_metrics, continue_metrics, metrics_of_step, sync_metrics
from cs336_basics.training.picture import draw_loss
from cs336_basics.training.progress import progress_bar, show
from cs336_basics.training.random_state import own_random_states
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.state import TrainingState, note_validation, save, start_or_continue
from cs336_basics.training.step import train_step
from cs336_basics.training.token_data import TokenData
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
) -> TransformerLM:
    """Train up to `config.training.steps`, from the run's last checkpoint if it has one; return the model.

    `config` must name a device and a precision, and `run` must belong to it: `prepare_run` sees to both.
    `should_stop` is asked after each step; when it says yes, a checkpoint is written and training ends.
    `keep` checkpoints are kept, and the one with the lowest validation loss.
    """
    check_keep(keep)
    with own_random_states(config.training.seed, config.training.device):
        state = start_or_continue(config, data, run, keep=keep)
        take_steps(state, config, data, run, progress=progress, keep=keep, should_stop=should_stop)
    if state.step == config.training.steps:
        draw_loss(run.metrics, run.picture)
    return state.model


def take_steps(
    state: TrainingState,
    config: RunConfig,
    data: TokenData,
    run: RunFolder,
    *,
    progress: bool,
    keep: int,
    should_stop: Callable[[], bool],
) -> None:
    """Take the steps that are left: after each a line of metrics, and where it is due a checkpoint."""
    last_step = config.training.steps
    started = time.perf_counter() - state.seconds
    with (
        continue_metrics(run.metrics, after_step=state.step) as metrics,
        progress_bar(state.step, config, progress) as bar,
    ):
        for step in range(state.step + 1, last_step + 1):
            with reported_divergence(run):
                result = train_step(state.model, state.optimizer, data.train, config, step)
            validation_loss = None
            if is_due(step, config.training.evaluation_interval, last_step):
                validation_loss = validate(state.model, data.validation, config, whole=step == last_step).loss
            state.step, state.seconds = step, time.perf_counter() - started
            is_best = note_validation(state, validation_loss)
            append_metrics(metrics, metrics_of_step(step, state.seconds, result, validation_loss, config))
            show(bar, result, validation_loss, config)
            stopping = should_stop()
            if is_best or stopping or is_due(step, config.training.checkpoint_interval, last_step):
                sync_metrics(metrics)
                save(state, config, run, keep=keep)
            if stopping:
                break


def is_due(step: int, interval: int, last_step: int) -> bool:
    """Say whether something that happens every `interval` steps, and after the last, happens now."""
    return step % interval == 0 or step == last_step
