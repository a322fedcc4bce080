"""Stochastic gradient descent, the course's toy: the smallest complete optimizer."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from cs336_basics.optim.closure import loss_of
from cs336_basics.optim.loaded_state import require_own_state


class SGD(Optimizer):
    """`p <- p - lr / sqrt(t + 1) * grad` with t = 0, 1, ...; with `decay=False` the rate stays `lr`."""

    def __init__(
        self, params: Iterable[Tensor] | Iterable[dict], lr: float = 1e-3, *, decay: bool = True
    ) -> None:
        if not lr >= 0:  # also true for NaN
            raise ValueError(f"the learning rate must not be negative but is {lr}")
        super().__init__(params, {"lr": lr, "decay": decay})

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over a state that was stored; a `ValueError` for that of another optimizer."""
        require_own_state(state, settings=("lr", "decay"), tensors=())
        super().__setstate__(state)

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Update each parameter that has a gradient; return what `closure` returns."""
        loss = loss_of(closure)
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                t = state.get("step", 0)
                rate = group["lr"] / math.sqrt(t + 1) if group["decay"] else group["lr"]
                parameter.sub_(parameter.grad, alpha=rate)
                state["step"] = t + 1
        return loss
