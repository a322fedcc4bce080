"""The training loop: when to step, to evaluate, to log and to save."""

import time

from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.training.config import RunConfig
from cs336_basics.training.metrics import append_metrics, continue_metrics, metrics_of_step, sync_metrics
from cs336_basics.training.picture import draw_loss
from cs336_basics.training.progress import progress_bar, show
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.state import save, start_or_continue
from cs336_basics.training.step import train_step
from cs336_basics.training.token_data import TokenData
from cs336_basics.training.validation import validate


def train(config: RunConfig, data: TokenData, run: RunFolder, *, progress: bool = False) -> TransformerLM:
    """Train up to `config.training.steps`, from the run's last checkpoint if it has one; return the model.

    `config` must name a device and a precision, and `run` must belong to it: `prepare_run` sees to both.
    """
    state = start_or_continue(config, run)
    last_step = config.training.steps
    started = time.perf_counter() - state.seconds
    with (
        continue_metrics(run.metrics, after_step=state.step) as metrics,
        progress_bar(state.step, config, progress) as bar,
    ):
        for step in range(state.step + 1, last_step + 1):
            result = train_step(state.model, state.optimizer, data.train, config, step)
            validation_loss = None
            if is_due(step, config.training.evaluation_interval, last_step):
                validation_loss = validate(state.model, data.validation, config, whole=step == last_step).loss
            state.step, state.seconds = step, time.perf_counter() - started
            append_metrics(metrics, metrics_of_step(step, state.seconds, result, validation_loss, config))
            show(bar, result, validation_loss, config)
            if is_due(step, config.training.checkpoint_interval, last_step):
                sync_metrics(metrics)
                save(state, run)
    draw_loss(run.metrics, run.picture)
    return state.model


def is_due(step: int, interval: int, last_step: int) -> bool:
    """Say whether something that happens every `interval` steps, and after the last, happens now."""
    return step % interval == 0 or step == last_step
