"""The update of `AdamW`: the mathematics, a plain function of one parameter, its gradient and its moments."""

import math

from torch import Tensor


def update(
    parameter: Tensor,
    gradient: Tensor,
    first_moment: Tensor,
    second_moment: Tensor,
    *,
    step: int,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
) -> None:
    """Apply the four lines of `AdamW` in place; all tensors have one shape."""
    beta1, beta2 = betas
    step_size, epsilon = corrected(step, lr=lr, betas=betas, eps=eps)
    parameter.mul_(1 - lr * weight_decay)
    first_moment.lerp_(gradient, 1 - beta1)
    second_moment.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
    denominator = second_moment.sqrt().add_(epsilon)
    parameter.addcdiv_(first_moment, denominator, value=-step_size)


def corrected(step: int, *, lr: float, betas: tuple[float, float], eps: float) -> tuple[float, float]:
    """Return the factor of m / (sqrt(v) + epsilon), and that epsilon, with the moments' biases taken out.

    Both sides of the fraction are multiplied by sqrt(1 - beta2^t), which saves dividing all of sqrt(v) by it.
    """
    beta1, beta2 = betas
    root_correction = math.sqrt(1 - beta2**step)
    return lr * root_correction / (1 - beta1**step), eps * root_correction


def numbers_of(
    *, step: int, lr: float, betas: tuple[float, float], eps: float, weight_decay: float
) -> tuple[float, ...]:
    """Return from the settings of `update` the numbers that other forms of it take.

    What is kept of the parameter after weight decay; the gradient's share in the first moment; beta2; the
    square's share in the second moment; and what `corrected` returns.
    """
    beta1, beta2 = betas
    step_size, epsilon = corrected(step, lr=lr, betas=betas, eps=eps)
    return 1 - lr * weight_decay, 1 - beta1, beta2, 1 - beta2, step_size, epsilon
