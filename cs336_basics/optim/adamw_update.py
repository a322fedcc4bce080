"""The update of `AdamW`: the mathematics, a plain function of one parameter, its gradient and its moments."""

import math
from typing import NamedTuple

from torch import Tensor


class StepFactors(NamedTuple):
    """What the update of step t multiplies by and adds: the same numbers for every entry of a tensor."""

    kept: float
    """The share of the parameter that weight decay leaves: `1 - lr * weight_decay`."""
    beta1: float
    first_share: float
    """The gradient's share in the first moment: `1 - beta1`."""
    beta2: float
    second_share: float
    """The squared gradient's share in the second moment: `1 - beta2`."""
    step_size: float
    """`lr * sqrt(1 - beta2^t) / (1 - beta1^t)`"""
    epsilon: float
    """`eps * sqrt(1 - beta2^t)`"""


class Update(NamedTuple):
    """What `update` takes; all tensors have one shape."""

    parameter: Tensor
    gradient: Tensor
    first_moment: Tensor
    second_moment: Tensor
    factors: StepFactors


def step_factors(
    step: int, *, lr: float, betas: tuple[float, float], eps: float, weight_decay: float
) -> StepFactors:
    """Return the numbers of step t = `step`, with the moments' bias corrections in the last two.

    Numerator and denominator of `m / (1 - beta1^t) / (sqrt(v) / sqrt(1 - beta2^t) + eps)` are multiplied by
    `sqrt(1 - beta2^t)`, which saves dividing all of sqrt(v) by it.
    """
    beta1, beta2 = betas
    root_correction = math.sqrt(1 - beta2**step)
    return StepFactors(
        kept=1 - lr * weight_decay,
        beta1=beta1,
        first_share=1 - beta1,
        beta2=beta2,
        second_share=1 - beta2,
        step_size=lr * root_correction / (1 - beta1**step),
        epsilon=eps * root_correction,
    )


def update(
    parameter: Tensor,
    gradient: Tensor,
    first_moment: Tensor,
    second_moment: Tensor,
    factors: StepFactors,
) -> None:
    """Apply the four lines of `AdamW` in place; all tensors have one shape."""
    parameter.mul_(factors.kept)
    first_moment.lerp_(gradient, factors.first_share)
    second_moment.mul_(factors.beta2).addcmul_(gradient, gradient, value=factors.second_share)
    denominator = second_moment.sqrt().add_(factors.epsilon)
    parameter.addcdiv_(first_moment, denominator, value=-factors.step_size)
