"""One update of the weights: batch, gradients, clipping, optimizer."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor
from torch.optim import Optimizer

from cs336_basics.data.batching import get_batch
from cs336_basics.functional.chunked_loss import chunked_cross_entropy
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.optim.clipping import clip_gradients
from cs336_basics.training.config import RunConfig
from cs336_basics.training.hardware import autocast
from cs336_basics.training.learning_rate import learning_rate_of_step


class NonFiniteError(RuntimeError):
    """The loss or the gradient is infinite or not a number; the weights are those before the step."""

    def __init__(
        self, step: int, *, loss: float, gradient_norm: float, learning_rate: float, hint: str = ""
    ) -> None:
        super().__init__(
            f"loss and gradient must be finite but at step {step} the loss is {loss} and the gradient's norm "
            f"{gradient_norm} (learning rate {learning_rate:g}{hint}); start another run with a lower "
            "learning rate or a longer warm-up"
        )
        self.step = step
        self.loss, self.gradient_norm, self.learning_rate = loss, gradient_norm, learning_rate

    def with_hint(self, hint: str) -> "NonFiniteError":
        """Return the same error with something more to know."""
        return NonFiniteError(
            self.step,
            loss=self.loss,
            gradient_norm=self.gradient_norm,
            learning_rate=self.learning_rate,
            hint=f"; {hint}",
        )


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What a step tells about itself."""

    loss: float
    """Mean over the batch, nats per token, before the update."""
    learning_rate: float
    gradient_norm: float
    """Before clipping."""


def train_step(
    model: TransformerLM, optimizer: Optimizer, dataset: np.ndarray, config: RunConfig, step: int
) -> StepResult:
    """Take step number `step` (the first is 1), a function of the weights, the configuration and `step` only.

    Raises `NonFiniteError` before the update when the loss or the gradient's norm is not finite.
    """
    inputs, targets = batch_of_step(dataset, config, step)
    loss = accumulate_gradients(model, inputs, targets, config)
    gradient_norm = clip_gradients(model.parameters(), config.optimizer.max_gradient_norm).item()
    learning_rate = learning_rate_of_step(config, step)
    require_finite(step, loss=loss, gradient_norm=gradient_norm, learning_rate=learning_rate)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return StepResult(loss=loss, learning_rate=learning_rate, gradient_norm=gradient_norm)


def batch_of_step(
    dataset: np.ndarray, config: RunConfig, step: int
) -> tuple[Int64[Tensor, "batch seq"], Int64[Tensor, "batch seq"]]:
    """Draw the batch of a step by a generator of its own: a run that continues sees the same batches."""
    seeds = np.random.SeedSequence([config.training.seed, step])
    generator = torch.Generator().manual_seed(int(seeds.generate_state(1, np.uint64)[0]))
    return get_batch(
        dataset,
        config.training.batch_size,
        config.model.context_length,
        config.training.device,
        generator=generator,
    )


def accumulate_gradients(
    model: TransformerLM,
    inputs: Int64[Tensor, "batch seq"],
    targets: Int64[Tensor, "batch seq"],
    config: RunConfig,
) -> float:
    """Add up the gradients of the parts of a batch and return its mean loss; the split changes neither."""
    num_parts = config.training.accumulation_steps
    mean_loss = torch.zeros((), device=inputs.device)
    for part_inputs, part_targets in zip(inputs.chunk(num_parts), targets.chunk(num_parts), strict=True):
        with autocast(config.training):
            hidden = model.hidden_states(part_inputs)
            part_loss = chunked_cross_entropy(
                hidden, model.lm_head.weight, part_targets, logit_softcap=config.model.logit_softcap
            )
            loss = part_loss / num_parts
        loss.backward()
        mean_loss += loss.detach()
    return mean_loss.item()


def require_finite(step: int, *, loss: float, gradient_norm: float, learning_rate: float) -> None:
    """Raise `NonFiniteError` unless loss and gradient are numbers."""
    if math.isfinite(loss) and math.isfinite(gradient_norm):
        return
    raise NonFiniteError(step, loss=loss, gradient_norm=gradient_norm, learning_rate=learning_rate)
