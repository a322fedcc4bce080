"""Several optimizers that behave as one, each with parameters of its own."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from cs336_basics.optim.closure import loss_of


class CombinedOptimizer(Optimizer):
    """Step each of `parts`; to everyone else this is one optimizer with the groups of all of them.

    Groups and state exist once: here, where learning rates are set and checkpoints are made, and in the
    parts, which read and write the same objects. The order of the groups is that of the parts. A parameter
    that two parts have is a `ValueError`.
    """

    def __init__(self, parts: Sequence[Optimizer]) -> None:
        self.parts: tuple[Optimizer, ...] = ()
        super().__init__([group for part in parts for group in part.param_groups], defaults={})
        self.parts = tuple(parts)
        for part in parts:
            self.state.update(part.state)
        self.__setstate__({"state": self.state, "param_groups": self.param_groups})

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Let every part update its parameters; return what `closure` returns."""
        loss = loss_of(closure)
        for part in self.parts:
            part.step()
        return loss

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over a state that was stored, and share it; a `ValueError` for that of other parts."""
        groups = iter(state["param_groups"])
        for part in state.get("parts", self.__dict__.get("parts", ())):
            own_groups = [next(groups) for _ in part.param_groups]
            part.__setstate__({"state": state["state"], "param_groups": own_groups})
        super().__setstate__(state)

    def add_param_group(self, param_group: dict) -> None:
        """Add the group of a part; once they are combined, none can be added: whose would it be?"""
        if self.parts:
            raise ValueError("groups must be added to an optimizer before it is combined with others")
        super().add_param_group(param_group)

    def __getstate__(self) -> dict[str, Any]:  # for pickle and copy.deepcopy
        return {**super().__getstate__(), "parts": self.parts}
