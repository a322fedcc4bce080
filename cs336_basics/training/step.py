"""One update of the weights: gradients, clipping, optimizer."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.optim import Optimizer

from cs336_basics.training.batches import Batch
from cs336_basics.training.config import RunConfig
from cs336_basics.training.finite import require_finite
from cs336_basics.training.hardware import autocast
from cs336_basics.training.learning_rate import learning_rate_of_step
from cs336_basics.training.processes import ONE_PROCESS, Processes


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What a step tells about itself."""

    loss: float
    """Mean over the batch, nats per token, before the update."""
    learning_rate: float
    gradient_norm: float
    """Before clipping."""


def train_step(
    objective: nn.Module,
    optimizer: Optimizer,
    batch: Batch,
    config: RunConfig,
    step: int,
    *,
    processes: Processes = ONE_PROCESS,
) -> StepResult:
    """Take step number `step` (the first is 1) on this process's part of its batch.

    `objective` is a `NextTokenLoss`. Raises `NonFiniteError` before the update when the loss or the
    gradient's norm is not finite.
    """
    local_loss = accumulate_gradients(objective, batch, config, processes=processes)
    loss = processes.mean(local_loss).item()
    max_norm = config.optimizer.max_gradient_norm
    gradient_norm = processes.clip_gradients(objective.parameters(), max_norm).item()
    learning_rate = learning_rate_of_step(config, step)
    require_finite(step, loss=loss, gradient_norm=gradient_norm, learning_rate=learning_rate)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return StepResult(loss=loss, learning_rate=learning_rate, gradient_norm=gradient_norm)


def accumulate_gradients(
    objective: nn.Module, batch: Batch, config: RunConfig, *, processes: Processes = ONE_PROCESS
) -> Float[Tensor, ""]:
    """Add up the gradients of the parts of a batch and return its mean loss; the split changes neither.

    Several processes exchange gradients once, in the backward pass of the last part.
    """
    num_parts = config.training.accumulation_steps
    parts = list(zip(batch.inputs.chunk(num_parts), batch.targets.chunk(num_parts), strict=True))
    with processes.local_gradients(objective):
        losses = [backward(objective, inputs, targets, config) for inputs, targets in parts[:-1]]
    losses.append(backward(objective, *parts[-1], config))
    return torch.stack(losses).sum()


def backward(
    objective: nn.Module,
    inputs: Int64[Tensor, "batch seq"],
    targets: Int64[Tensor, "batch seq"],
    config: RunConfig,
) -> Float[Tensor, ""]:
    """Add the gradient of a part's share of the batch's mean loss; return that share."""
    with autocast(config.training):
        loss = objective(inputs, targets) / config.training.accumulation_steps
    loss.backward()
    return loss.detach()
