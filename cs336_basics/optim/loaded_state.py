"""Whether the state that an optimizer is given is its own: PyTorch takes any, and fails at the next step."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def require_tensors_of_parameters(state: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Raise `ValueError` unless what belongs to each parameter has these tensors, each in its shape.

    `state` is what `Optimizer.__setstate__` takes. A parameter that was never updated has nothing yet.
    """
    parameters = [parameter for group in state["param_groups"] for parameter in group["params"]]
    for parameter in parameters:
        entries = state["state"].get(parameter)
        for name in names if entries else ():
            tensor = entries.get(name)
            if not isinstance(tensor, Tensor) or tensor.shape != parameter.shape:
                found = tuple(tensor.shape) if isinstance(tensor, Tensor) else "none"
                raise ValueError(
                    f"the state of a parameter of shape {tuple(parameter.shape)} must have a {name} of that "
                    f"shape but has {found}; load the state of the same optimizer of the same parameters"
                )
