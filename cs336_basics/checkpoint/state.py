"""Fit stored tensors to a module: plain names, and errors that name what does not fit."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

COMPILE_PREFIX = "_orig_mod."  # what torch.compile puts before the names of a module
PARALLEL_PREFIX = "module."  # what data-parallel wrappers put before all names


def plain_state(model: nn.Module) -> dict[str, Tensor]:
    """Return the model's state under the names that it has when it is not compiled."""
    return {plain_name(name): tensor for name, tensor in model.state_dict().items()}


def plain_name(name: str) -> str:
    """Remove what `torch.compile` adds to a name, of the whole model or of a part."""
    return name.replace(COMPILE_PREFIX, "")


def load_weights(model: nn.Module, state: Mapping[str, Tensor], *, source: object) -> None:
    """Copy `state` into `model` if every name and shape fits, else raise `ValueError` and copy nothing.

    The error names the first weight that does not fit, and `source`, where the state came from.
    """
    names = {plain_name(name): name for name in model.state_dict()}
    stored = _without_parallel_prefix({plain_name(name): state[name] for name in state}, names)
    _check_names_and_shapes(stored, plain_state(model), source)
    model.load_state_dict({names[name]: tensor for name, tensor in stored.items()})


def check_optimizer_state(optimizer: torch.optim.Optimizer, state: Mapping, *, source: object) -> None:
    """Raise `ValueError` if the state is of another number of parameters than the optimizer has."""
    expected = [len(group["params"]) for group in optimizer.state_dict()["param_groups"]]
    stored = [len(group["params"]) for group in state["param_groups"]]
    if stored != expected:
        raise ValueError(
            f"the optimizer has groups of {expected} parameters but {source} holds groups of {stored}; "
            "build model and optimizer as they were when it was written"
        )


def _without_parallel_prefix(state: dict[str, Tensor], expected: Iterable[str]) -> dict[str, Tensor]:
    """Remove the wrapper's prefix when all stored names carry it and the model's own do not."""
    if not all(name.startswith(PARALLEL_PREFIX) for name in state) or any(
        name.startswith(PARALLEL_PREFIX) for name in expected
    ):
        return state
    return {name.removeprefix(PARALLEL_PREFIX): tensor for name, tensor in state.items()}


def _check_names_and_shapes(
    stored: Mapping[str, Tensor], expected: Mapping[str, Tensor], source: object
) -> None:
    for name, tensor in expected.items():
        if name not in stored:
            raise ValueError(f"a checkpoint must hold every weight of the model but {source} lacks {name}")
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
