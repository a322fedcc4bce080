"""What changes from step to step: made from the seed, saved, and taken up again."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from cs336_basics.checkpoint.newest_whole import mend_pointers, newest_whole_checkpoint, set_aside_damaged
from cs336_basics.checkpoint.pointers import folder_of_step
from cs336_basics.checkpoint.retention import remove_old
from cs336_basics.checkpoint.run_checkpoint import (
    load_run_checkpoint,
    read_progress,
    read_random_states,
    save_run_checkpoint,
)
from cs336_basics.checkpoint.snapshot import take_snapshot
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.training.build_optimizer import new_optimizer
from cs336_basics.training.compilation import compile_for_training
from cs336_basics.training.config import RunConfig
from cs336_basics.training.finite import require_finite_weights
from cs336_basics.training.hardware import weight_dtype
from cs336_basics.training.identity import require_same_identity, run_identity
from cs336_basics.training.objective import NextTokenLoss
from cs336_basics.training.processes import ONE_PROCESS, Processes
from cs336_basics.training.random_state import random_states, restore_random_states
from cs336_basics.training.recomputation import recompute_blocks
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.step import StepResult
from cs336_basics.training.token_data import TokenData
from cs336_basics.training.typed_values import built


@dataclass(frozen=True, kw_only=True)
class BestValidation:
    """The lowest validation loss of a run."""

    step: int
    """After which step it was measured."""
    loss: float
    """Nats per token, of the tokens that every evaluation scores: `ValidationLosses.comparable`."""


@dataclass(kw_only=True)
class TrainingState:
    """Weights, moments, and how far the run has come."""

    model: TransformerLM
    objective: nn.Module
    """A `NextTokenLoss` of the model, or what the engine of several processes makes of it."""
    optimizer: Optimizer
    identity: dict[str, Any]
    """What must be the same whenever the run continues, see `run_identity`."""
    step: int = 0
    """Steps taken."""
    seconds: float = 0.0
    """Time spent, over all the processes that worked on the run."""
    best: BestValidation | None = None
    """The lowest validation loss so far."""
    awaiting_validation: StepResult | None = None
    """What the last step told, if its evaluation was interrupted: its line of metrics is still to come."""

    @property
    def steps_told(self) -> int:
        """Steps that are in the metrics."""
        return self.step if self.awaiting_validation is None else self.step - 1


def start_or_continue(
    config: RunConfig, data: TokenData, run: RunFolder, *, keep: int, processes: Processes = ONE_PROCESS
) -> TrainingState:
    """Return the state of the run's last good checkpoint, or a new model and optimizer."""
    state = new_state(config, data)
    checkpoint = newest_whole_checkpoint(run.checkpoints, warns=processes.is_first)
    if checkpoint is not None:
        load(state, checkpoint)
    processes.wait()  # until all have read what the first one now puts in order
    if checkpoint is not None and processes.is_first:
        best = None if state.best is None else folder_of_step(run.checkpoints, state.best.step)
        set_aside_damaged(run.checkpoints, used=checkpoint)
        mend_pointers(run.checkpoints, latest=checkpoint, best=best)
        remove_old(run.checkpoints, keep=keep, step=state.step)
    if config.training.recompute:
        recompute_blocks(state.model)
    if config.training.compile:
        compile_for_training(state.model)
    state.objective = processes.distribute(state.model, state.optimizer)
    return state


def new_state(config: RunConfig, data: TokenData) -> TrainingState:
    """Return the state before the first step."""
    model = new_model(config)
    optimizer = new_optimizer(model, config)
    return TrainingState(
        model=model,
        objective=NextTokenLoss(model),
        optimizer=optimizer,
        identity=run_identity(config, data),
    )


def new_model(config: RunConfig) -> TransformerLM:
    """Draw the first weights from the seed, on the CPU: they are the same for every device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.training.seed)
        model = TransformerLM.from_config(config.model)
    return model.to(config.training.device, weight_dtype(config.training))


def note_validation(state: TrainingState, loss: float | None) -> bool:
    """Remember the loss of an evaluation after the current step if it is the lowest; say whether it is."""
    lowest = math.inf if state.best is None else state.best.loss
    if loss is None or not loss < lowest:
        return False
    state.best = BestValidation(step=state.step, loss=loss)
    return True


def save(
    state: TrainingState, config: RunConfig, run: RunFolder, *, keep: int, processes: Processes = ONE_PROCESS
) -> None:
    """Let the first process write a checkpoint from which any number of them goes on.

    Weights that are not finite are a `NonFiniteError`, and the checkpoints before them stay.
    """
    snapshot = take_snapshot(state.model, state.optimizer, whole=processes.whole)
    require_finite_weights(state.step, snapshot.weights, processes)
    if not processes.is_first:
        return
    best, awaiting = state.best, state.awaiting_validation
    save_run_checkpoint(
        run.checkpoints,
        snapshot,
        step=state.step,
        progress={
            "tokens": state.step * config.tokens_per_step,
            "seconds": state.seconds,
            "best_validation": None if best is None else asdict(best),
            "awaiting_validation": None if awaiting is None else asdict(awaiting),
            **state.identity,
        },
        random_states=random_states(config.training.device),
        keep=keep,
        is_best=best is not None and best.step == state.step,
        unvalidated=awaiting is not None,
    )


def load(state: TrainingState, checkpoint: Path) -> None:
    """Put a checkpoint of the same run into `state`, and its random states into the libraries."""
    progress = read_progress(checkpoint)
    require_same_identity(progress, state.identity, source=checkpoint)
    load_run_checkpoint(checkpoint, state.model, state.optimizer)
    try:
        best, awaiting = progress["best_validation"], progress.get("awaiting_validation")
        state.best = None if best is None else built(BestValidation, best, "best_validation")
        state.awaiting_validation = (
            None if awaiting is None else built(StepResult, awaiting, "awaiting_validation")
        )
        state.step, state.seconds = progress["step"], progress["seconds"]
        restore_random_states(read_random_states(checkpoint))
    except (LookupError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"a checkpoint must hold all that a run needs but {checkpoint} does not ({error}); take another"
        ) from None
