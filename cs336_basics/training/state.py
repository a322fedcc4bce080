"""What changes from step to step: made from the seed, saved, and taken up again."""

from dataclasses import dataclass

import torch
from torch.optim import Optimizer

from cs336_basics.checkpoint.run_checkpoint import (
    latest_checkpoint,
    load_run_checkpoint,
    save_run_checkpoint,
)
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.training.build_optimizer import new_optimizer
from cs336_basics.training.compilation import compile_for_training
from cs336_basics.training.config import RunConfig
from cs336_basics.training.run_folder import RunFolder


@dataclass(kw_only=True)
class TrainingState:
    """Weights, moments, and how far the run has come."""

    model: TransformerLM
    optimizer: Optimizer
    step: int = 0
    """Steps taken."""
    seconds: float = 0.0
    """Time spent, over all the processes that worked on the run."""


def start_or_continue(config: RunConfig, run: RunFolder) -> TrainingState:
    """Return the state of the run's last checkpoint, or a new model and optimizer."""
    model = new_model(config)
    state = TrainingState(model=model, optimizer=new_optimizer(model, config))
    checkpoint = latest_checkpoint(run.checkpoints)
    if checkpoint is not None:
        progress = load_run_checkpoint(checkpoint, state.model, state.optimizer)
        state.step, state.seconds = progress["step"], progress["seconds"]
    if config.training.compile:
        compile_for_training(model)
    return state


def new_model(config: RunConfig) -> TransformerLM:
    """Draw the first weights from the seed, on the CPU: they are the same for every device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.training.seed)
        model = TransformerLM.from_config(config.model)
    return model.to(config.training.device)


def save(state: TrainingState, run: RunFolder) -> None:
    """Write a checkpoint from which `start_or_continue` goes on."""
    save_run_checkpoint(
        run.checkpoints,
        state.model,
        state.optimizer,
        step=state.step,
        progress={"seconds": state.seconds},
    )
