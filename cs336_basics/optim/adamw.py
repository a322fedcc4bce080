"""AdamW: Adam with weight decay apart from the gradient.

Source: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", arXiv:1711.05101, algorithm 2.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from cs336_basics.optim.adamw_kernel import prepare_kernel, update_all
from cs336_basics.optim.adamw_update import Update, step_factors
from cs336_basics.optim.closure import loss_of
from cs336_basics.optim.loaded_state import require_own_state


class AdamW(Optimizer):
    """Step by a running mean of the gradients, divided by the root of a running mean of their squares.

    With gradient g at step t = 1, 2, ...::

        p <- p - lr * weight_decay * p
        m <- beta1 * m + (1 - beta1) * g
        v <- beta2 * v + (1 - beta2) * g^2
        p <- p - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)

    Epsilon stands where PyTorch (and the paper) has it. The course's handout writes the last line as
    `p - lr * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps)`, which is the same with an epsilon
    that is larger by `1 / sqrt(1 - beta2^t)` in the first steps: it matters for gradients near `eps`.

    Parameters must not overlap in memory.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        for name, value in (("lr", lr), ("eps", eps), ("weight_decay", weight_decay)):
            if not value >= 0:  # also true for NaN
                raise ValueError(f"{name} must not be negative but is {value}")
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must lie in [0, 1) but are {betas}")
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})
        prepare_kernel(parameter for group in self.param_groups for parameter in group["params"])

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over a state that was stored; a `ValueError` for that of another optimizer."""
        require_own_state(
            state,
            settings=("lr", "betas", "eps", "weight_decay"),
            tensors=("first_moment", "second_moment"),
        )
        super().__setstate__(state)

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Update each parameter that has a gradient; return what `closure` returns."""
        loss = loss_of(closure)
        trained = [
            (parameter, parameter.grad, group)
            for group in self.param_groups
            for parameter in group["params"]
            if parameter.grad is not None
        ]
        if any(gradient.is_sparse for _, gradient, _ in trained):
            raise ValueError("gradients must be dense but one is sparse; build its layer with sparse=False")
        updates = [self._next_update(*one) for one in trained]
        try:
            update_all(updates)
        except KeyboardInterrupt:  # is raised when all threads have done their part
            self._count_step(updates)
            raise
        self._count_step(updates)
        return loss

    def _count_step(self, updates: list[Update]) -> None:
        for entry in updates:
            self.state[entry.parameter]["step"] += 1

    def _next_update(self, parameter: Tensor, gradient: Tensor, group: dict) -> Update:
        """Return what the next step does to one parameter."""
        state = self.state[parameter]
        if not state:
            state["step"] = 0
            state["first_moment"] = torch.zeros_like(parameter)
            state["second_moment"] = torch.zeros_like(parameter)
        factors = step_factors(
            state["step"] + 1,
            lr=group["lr"],
            betas=group["betas"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
        )
        return Update(parameter, gradient, state["first_moment"], state["second_moment"], factors)
