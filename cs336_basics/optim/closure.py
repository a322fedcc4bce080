"""What the argument `closure` of `Optimizer.step` is for: some optimizers compute the loss anew."""

from collections.abc import Callable

import torch
from torch import Tensor


def loss_of(closure: Callable[[], Tensor] | None) -> Tensor | None:
    """Return what `closure` returns, computed with gradients even inside `no_grad`; None without one."""
    if closure is None:
        return None
    with torch.enable_grad():
        return closure()
