"""The training loop: when to step, to evaluate, to log and to save."""

import time
from dataclasses import dataclass

import numpy as np
import torch

from cs336_basics.checkpoint.run_checkpoint import (
    latest_checkpoint,
    load_run_checkpoint,
    save_run_checkpoint,
)
from cs336_basics.evaluation.held_out_loss import EvaluationResult, evaluate
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.optim.adamw import AdamW
from cs336_basics.training.config import OptimizerConfig, RunConfig
from cs336_basics.training.hardware import autocast
from cs336_basics.training.metrics import append_metrics, continue_metrics
from cs336_basics.training.picture import draw_loss
from cs336_basics.training.progress import progress_bar, show
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.step import StepResult, train_step
from cs336_basics.training.token_data import TokenData


@dataclass(kw_only=True)
class TrainingState:
    """What changes from step to step."""

    model: TransformerLM
    optimizer: AdamW
    step: int = 0
    """Steps taken."""
    seconds: float = 0.0
    """Time spent, over all the processes that worked on the run."""


def train(config: RunConfig, data: TokenData, run: RunFolder, *, progress: bool = False) -> TransformerLM:
    """Train up to `config.training.steps`, from the run's last checkpoint if it has one; return the model.

    `config` must name a device and a precision (`resolve_hardware`), and `run` must belong to it.
    """
    state = start_or_continue(config, run)
    steps = config.training.steps
    first_step, started = state.step, time.perf_counter() - state.seconds
    with (
        continue_metrics(run.metrics, after_step=state.step) as metrics,
        progress_bar(state.step, config, progress) as bar,
    ):
        for step in range(first_step + 1, steps + 1):
            result = train_step(state.model, state.optimizer, data.train, config, step)
            validation_loss = None
            if is_due(step, config.training.evaluation_interval, steps):
                validation_loss = validate(state.model, data.validation, config, whole=step == steps).loss
            state.step, state.seconds = step, time.perf_counter() - started
            append_metrics(metrics, metrics_of_step(state, result, validation_loss, config))
            show(bar, result, validation_loss, config)
            if is_due(step, config.training.checkpoint_interval, steps):
                save(state, run)
    draw_loss(run.metrics, run.picture)
    return state.model


def start_or_continue(config: RunConfig, run: RunFolder) -> TrainingState:
    """Return the state of the run's last checkpoint, or a new model and optimizer."""
    model = new_model(config)
    state = TrainingState(model=model, optimizer=new_optimizer(model, config.optimizer))
    checkpoint = latest_checkpoint(run.checkpoints)
    if checkpoint is not None:
        progress = load_run_checkpoint(checkpoint, state.model, state.optimizer)
        state.step, state.seconds = progress["step"], progress["seconds"]
    if config.training.compile:
        model.compile(backend="aot_eager" if config.training.device == "mps" else "inductor")
    return state


def new_model(config: RunConfig) -> TransformerLM:
    """Draw the first weights from the seed, on the CPU: they are the same for every device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.training.seed)
        model = TransformerLM.from_config(config.model)
    return model.to(config.training.device)


def new_optimizer(model: TransformerLM, config: OptimizerConfig) -> AdamW:
    """Return AdamW with weight decay for the matrices and none for the gains of the norms."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
    gains = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    groups = [{"params": matrices}, {"params": gains, "weight_decay": 0.0}]
    return AdamW(
        groups,
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        eps=config.eps,
        weight_decay=config.weight_decay,
    )


def is_due(step: int, interval: int, last_step: int) -> bool:
    """Say whether something that happens every `interval` steps, and after the last, happens now."""
    return step % interval == 0 or step == last_step


def validate(
    model: TransformerLM, dataset: np.ndarray, config: RunConfig, *, whole: bool = True
) -> EvaluationResult:
    """Score the validation tokens, or the first of them, in the run's precision."""
    limit = None if whole else config.training.evaluation_tokens
    with autocast(config.training):
        return evaluate(
            model,
            dataset[:limit],
            batch_size=config.training.batch_size // config.training.accumulation_steps,
            context_length=config.model.context_length,
            device=config.training.device,
        )


def metrics_of_step(
    state: TrainingState, result: StepResult, validation_loss: float | None, config: RunConfig
) -> dict[str, float | int | None]:
    """Return the line of a step for `metrics.jsonl`."""
    return {
        "step": state.step,
        "seconds": round(state.seconds, 3),
        "tokens": state.step * config.tokens_per_step,
        "loss": result.loss,
        "learning_rate": result.learning_rate,
        "gradient_norm": result.gradient_norm,
        "validation_loss": validation_loss,
    }


def save(state: TrainingState, run: RunFolder) -> None:
    """Write a checkpoint from which `start_or_continue` goes on."""
    save_run_checkpoint(
        run.checkpoints,
        state.model,
        state.optimizer,
        step=state.step,
        progress={"seconds": state.seconds},
    )
