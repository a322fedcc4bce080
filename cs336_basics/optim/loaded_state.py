"""Whether the state that an optimizer is given is its own: PyTorch takes any, and fails at the next step."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def require_own_state(
    state: Mapping[str, Any], *, settings: tuple[str, ...], tensors: tuple[str, ...]
) -> None:
    """Raise `ValueError` unless each group has these settings, and each parameter these tensors in its shape.

    `state` is what `Optimizer.__setstate__` takes. A parameter that was never updated has no tensors yet.
    """
    for group in state["param_groups"]:
        missing = [name for name in settings if name not in group]
        if missing:
            raise ValueError(
                f"the state of this optimizer must have the settings {', '.join(settings)} but has no "
                f"{', '.join(missing)}; load what the same optimizer has stored"
            )
        for parameter in group["params"]:
            entries = state["state"].get(parameter)
            for name in tensors if entries else ():
                require_shape_of(parameter, entries.get(name), name)


def require_shape_of(parameter: Tensor, tensor: object, name: str) -> None:
    """Raise `ValueError` unless this is a tensor in the shape of the parameter that it belongs to."""
    found = tuple(tensor.shape) if isinstance(tensor, Tensor) else "none"
    if found != tuple(parameter.shape):
        raise ValueError(
            f"the state of a parameter of shape {tuple(parameter.shape)} must have a {name} of that shape "
            f"but has {found}; load what the same optimizer has stored of the same parameters"
        )
