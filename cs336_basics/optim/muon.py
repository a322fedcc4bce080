"""Muon: momentum whose direction is made orthogonal, for the matrices inside a network.

Sources: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/ (the method); Liu et al. 2025, "Muon
is Scalable for LLM Training", arXiv:2502.16982, section 2.2 (the size of the update, weight decay).
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from cs336_basics.optim.closure import loss_of
from cs336_basics.optim.loaded_state import require_own_state
from cs336_basics.optim.newton_schulz import orthogonalize


class Muon(Optimizer):
    """Step along the momentum after all of its singular values were brought near 1.

    With gradient G of a matrix W of `rows` by `columns`::

        M <- momentum * M + G
        O <- orthogonalize(G + momentum * M)            (Nesterov's momentum)
        W <- W - lr * weight_decay * W
        W <- W - lr * update_rms * sqrt(max(rows, columns)) * O

    O has min(rows, columns) singular values near 1, so the root mean square of its entries is about
    1 / sqrt(max(rows, columns)). The factor undoes that: the entries of an update have a root mean square of
    about `lr * update_rms`, whatever the shape, and one learning rate serves all matrices. That of AdamW's
    updates is usually 0.2 to 0.4 times its learning rate; with `update_rms` 0.2 the learning rate and the
    weight decay of AdamW can be taken over (section 2.2 of Liu et al.).

    Axes before the last two count as a batch of matrices. A parameter of fewer axes is a `ValueError`:
    vectors, and by experience the embedding and the head, are better left to AdamW. With `bfloat16` the
    products of `orthogonalize` are computed in that type.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict],
        lr: float = 1e-3,
        *,
        momentum: float = 0.95,
        update_rms: float = 0.2,
        weight_decay: float = 0.01,
        steps: int = 5,
        bfloat16: bool = False,
    ) -> None:
        for name, value in (("lr", lr), ("update_rms", update_rms), ("weight_decay", weight_decay)):
            if not value >= 0:
                raise ValueError(f"{name} must not be negative but is {value}")
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1) but is {momentum}")
        if steps < 1:
            raise ValueError(f"steps must be at least 1 but is {steps}")
        settings = {
            "lr": lr,
            "momentum": momentum,
            "update_rms": update_rms,
            "weight_decay": weight_decay,
            "steps": steps,
            "bfloat16": bfloat16,
        }
        super().__init__(params, settings)

    def add_param_group(self, param_group: dict) -> None:
        """Add parameters, with settings of their own where `param_group` has any."""
        super().add_param_group(param_group)
        for parameter in self.param_groups[-1]["params"]:
            if parameter.ndim < 2:
                self.param_groups.pop()
                raise ValueError(
                    f"Muon updates matrices but a parameter has the shape {tuple(parameter.shape)}; "
                    "give it to AdamW"
                )

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over a state that was stored; a `ValueError` for that of another optimizer."""
        require_own_state(
            state,
            settings=("lr", "momentum", "update_rms", "weight_decay", "steps", "bfloat16"),
            tensors=("momentum_buffer",),
        )
        super().__setstate__(state)

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Update each parameter that has a gradient; return what `closure` returns."""
        loss = loss_of(closure)
        for group in self.param_groups:
            with_gradient = [parameter for parameter in group["params"] if parameter.grad is not None]
            for alike in of_one_shape(with_gradient):
                self._update(alike, group)
        return loss

    def _update(self, parameters: list[Tensor], group: dict) -> None:
        """Apply the four lines of the class docstring to parameters of one shape."""
        directions = torch.stack([self._direction(parameter, group["momentum"]) for parameter in parameters])
        dtype = torch.bfloat16 if group["bfloat16"] else None
        orthogonal = orthogonalize(directions, group["steps"], dtype=dtype)
        scale = group["update_rms"] * math.sqrt(max(orthogonal.shape[-2:]))
        for parameter, update in zip(parameters, orthogonal, strict=True):
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.sub_(update, alpha=group["lr"] * scale)

    def _direction(
        self, parameter: Float[Tensor, "*batch rows columns"], momentum: float
    ) -> Float[Tensor, "*batch rows columns"]:
        """Take the gradient into the momentum and return Nesterov's direction."""
        gradient, state = parameter.grad, self.state[parameter]
        assert gradient is not None
        if not state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        momentum_buffer = state["momentum_buffer"]
        momentum_buffer.mul_(momentum).add_(gradient)
        return gradient.add(momentum_buffer, alpha=momentum)


def of_one_shape(parameters: Iterable[Tensor]) -> list[list[Tensor]]:
    """Sort parameters into those that can be stacked: one batch of products is faster than many products."""
    alike: dict[tuple, list[Tensor]] = defaultdict(list)
    for parameter in parameters:
        alike[parameter.shape, parameter.dtype, parameter.device].append(parameter)
    return list(alike.values())
