"""What must be finite, else training ends: losses and the gradient of a step, and weights that are saved."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from cs336_basics.training.processes import Processes


class NonFiniteError(RuntimeError):
    """A loss, the gradient or a weight is infinite or not a number; no checkpoint holds it."""

    def __init__(self, step: int, reason: str, numbers: Mapping[str, float], *, hint: str = "") -> None:
        super().__init__(
            f"loss, gradient and weights must be finite but at step {step} {reason}{hint}; start another run "
            "with a lower learning rate, a longer warm-up or a larger eps"
        )
        self.step, self.reason, self.numbers = step, reason, numbers

    def with_hint(self, hint: str) -> "NonFiniteError":
        """Return the same error with something more to know."""
        return NonFiniteError(self.step, self.reason, self.numbers, hint=f"; {hint}")


def require_finite(step: int, **numbers: float) -> None:
    """Raise `NonFiniteError` unless everything that a step tells about itself is finite."""
    if all(map(math.isfinite, numbers.values())):
        return
    reason = ", ".join(f"the {name.replace('_', ' ')} is {number:.6g}" for name, number in numbers.items())
    raise NonFiniteError(step, reason, numbers)


def require_finite_weights(step: int, weights: Mapping[str, Tensor], processes: Processes) -> None:
    """Raise `NonFiniteError` in all processes unless the weights that the first one has are finite; waits."""
    name = processes.from_first(first_not_finite(weights) if processes.is_first else "")
    if name:
        raise NonFiniteError(step, f"the weight {name} is not", {})


def first_not_finite(tensors: Mapping[str, Tensor]) -> str:
    """Return the name of the first tensor with an entry that is infinite or not a number, or else ""."""
    return next((name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()), "")
