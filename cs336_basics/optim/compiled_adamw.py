"""The update of `AdamW` as one compiled kernel, which reads and writes each entry once.

`adamw_update.update` is the definition; it is seven operations, and even piece by piece they take two to
three times as long, because each goes over the entries for itself.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cs336_basics.optim.adamw_update import corrected, is_plain, update_in_pieces


def compiled_update(backend: str | Callable[..., Any]) -> Callable[..., None]:
    """Return a function that does what `update_in_pieces` does, and compiles itself when it is first called.

    One compilation serves tensors of all shapes, which are seen as vectors, and all steps: numbers go in as
    tensors, because a plain number that changes makes the compiler calculate in float64, at half the speed.
    What is no vector in memory, or spread over several processes, is updated without compilation.
    """
    kernel = torch.compile(update_entries, backend=backend, dynamic=True)

    def update(
        *tensors: Tensor,
        step: int,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
    ) -> None:
        if not all(is_plain(tensor) and tensor.is_contiguous() for tensor in tensors):
            update_in_pieces(*tensors, step=step, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
            return
        beta1, beta2 = betas
        step_size, epsilon = corrected(step, lr=lr, betas=betas, eps=eps)
        numbers = (1 - lr * weight_decay, 1 - beta1, 1 - beta2, step_size, epsilon)
        dtype = torch.promote_types(tensors[0].dtype, torch.float32)
        kernel(
            *(tensor.view(-1) for tensor in tensors),
            *(torch.tensor(number, dtype=dtype) for number in numbers),
        )

    return update


def update_entries(
    parameter: Tensor,
    gradient: Tensor,
    first_moment: Tensor,
    second_moment: Tensor,
    kept: Tensor,
    first_share: Tensor,
    second_share: Tensor,
    step_size: Tensor,
    epsilon: Tensor,
) -> None:
    """Apply the four lines of `AdamW` in place.

    `kept` of the parameter stays after weight decay, and of the moments all but `first_share` and
    `second_share`, which the gradient gives.
    """
    parameter.mul_(kept)
    first_moment.lerp_(gradient, first_share)
    second_moment.lerp_(gradient.square(), second_share)
    parameter.sub_(step_size * first_moment / (second_moment.sqrt() + epsilon))
