"""Fit what was stored to a module and its optimizer: plain names, and errors that name what does not fit."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

COMPILE_PREFIX = "_orig_mod."  # what torch.compile puts before the names of a module
PARALLEL_PREFIX = "module."  # what data-parallel wrappers put before all names


def plain_state(model: nn.Module) -> dict[str, Tensor]:
    """Return the model's state under the names that it has when it is not compiled."""
    return {plain_name(name): tensor for name, tensor in model.state_dict().items()}


def plain_name(name: str) -> str:
    """Remove what `torch.compile` adds to a name, of the whole model or of a part."""
    return name.replace(COMPILE_PREFIX, "")


def load_weights(model: nn.Module, state: Mapping[str, Any], *, source: object) -> None:
    """Copy `state` into `model` if every name and shape fits, else raise `ValueError` and copy nothing.

    The error names the first weight that does not fit, and `source`, where the state came from.
    """
    model.load_state_dict(_fitting_weights(model, state, source))


def load_model_and_optimizer(
    model: nn.Module,
    optimizer: Optimizer,
    *,
    weights: Any,
    optimizer_state: Any,
    source: object,
) -> None:
    """Take over what a file held, or leave both as they were: a `ValueError` names what does not fit."""
    _check_groups(optimizer, optimizer_state, source)
    fitting = _fitting_weights(model, weights, source)
    _load_optimizer_state(optimizer, optimizer_state, source)
    model.load_state_dict(fitting)  # last, because it cannot fail any more


def _check_groups(optimizer: Optimizer, state: Any, source: object) -> None:
    """Raise `ValueError` if the state is of another number of parameters than the optimizer has."""
    expected = [len(group["params"]) for group in optimizer.param_groups]
    try:
        stored = [len(group["params"]) for group in state["param_groups"]]
        if not all(isinstance(entries, dict) for entries in state["state"].values()):
            raise TypeError("what belongs to a parameter has no names")
    except (LookupError, TypeError, AttributeError) as error:
        raise _no_optimizer_state(source, error) from None
    if stored != expected:
        raise ValueError(
            f"the optimizer has groups of {expected} parameters but {source} holds groups of {stored}; "
            "build model and optimizer as they were when it was written"
        )


def _load_optimizer_state(optimizer: Optimizer, state: Any, source: object) -> None:
    """Let the optimizer read the state; where it cannot, it gets back what it had."""
    before = {"state": optimizer.state, "param_groups": optimizer.param_groups}
    try:
        optimizer.load_state_dict(state)
    except (LookupError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        optimizer.__setstate__(before)
        raise _no_optimizer_state(source, error) from error


def _no_optimizer_state(source: object, error: Exception) -> ValueError:
    return ValueError(
        f"a checkpoint must hold the state of an optimizer but that in {source} cannot be read "
        f"({type(error).__name__}: {error}); take an earlier one, or build the optimizer that wrote it"
    )


def _fitting_weights(model: nn.Module, state: Any, source: object) -> dict[str, Tensor]:
    """Return `state` by the model's own names, or raise `ValueError` unless copying it cannot fail."""
    if not isinstance(state, Mapping) or not all(isinstance(name, str) for name in state):
        raise ValueError(f"a checkpoint must hold weights by name but {source} does not; take an earlier one")
    names = {plain_name(name): name for name in model.state_dict()}
    stored = _without_parallel_prefix({plain_name(name): state[name] for name in state}, names)
    _check_names_and_shapes(stored, plain_state(model), source)
    return {names[name]: tensor for name, tensor in stored.items()}


def _without_parallel_prefix(state: dict[str, Any], expected: Iterable[str]) -> dict[str, Any]:
    """Remove the wrapper's prefix when all stored names carry it and the model's own do not."""
    if not all(name.startswith(PARALLEL_PREFIX) for name in state) or any(
        name.startswith(PARALLEL_PREFIX) for name in expected
    ):
        return state
    return {name.removeprefix(PARALLEL_PREFIX): tensor for name, tensor in state.items()}


def _check_names_and_shapes(stored: Mapping[str, Any], expected: Mapping[str, Any], source: object) -> None:
    for name, tensor in expected.items():
        if name not in stored:
            raise ValueError(f"a checkpoint must hold every weight of the model but {source} lacks {name}")
        if not isinstance(tensor, Tensor):
            raise ValueError(
                f"a model must consist of tensors to take a checkpoint but {name} is a "
                f"{type(tensor).__name__}; make it a buffer"
            )
        if not _can_be_copied(stored[name], tensor):
            raise ValueError(
                f"weight {name} must be a dense tensor of {tensor.dtype} but {source} holds something else; "
                "take an earlier checkpoint"
            )
        if stored[name].shape != tensor.shape:
            raise ValueError(
                f"weight {name} must have the shape {tuple(tensor.shape)} but {source} holds "
                f"{tuple(stored[name].shape)}; build the model with the configuration of the checkpoint"
            )
    for name in stored:
        if name not in expected:
            raise ValueError(
                f"the model has no weight {name} but {source} holds one; build the model that it is from"
            )


def _can_be_copied(stored: object, weight: Tensor) -> bool:
    """Say whether `stored` is made of numbers like those of `weight`, and in memory."""
    return (
        isinstance(stored, Tensor)
        and stored.layout == torch.strided
        and not (stored.is_meta or stored.is_nested)
        and (stored.dtype == weight.dtype or (stored.is_floating_point() and weight.is_floating_point()))
    )
