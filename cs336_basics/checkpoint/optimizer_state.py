"""An optimizer's state as named tensors and plain numbers, so that it fits safetensors and JSON."""

from typing import Any

from torch import Tensor
from torch.optim import Optimizer

StateTensors = dict[str, Tensor]
StateNumbers = dict[str, Any]


def split_optimizer_state(optimizer: Optimizer) -> tuple[StateTensors, StateNumbers]:
    """Return the tensors, named `{parameter index}.{key}`, and everything else as JSON can hold it."""
    state = optimizer.state_dict()
    tensors: StateTensors = {}
    numbers: StateNumbers = {"param_groups": state["param_groups"], "per_parameter": {}}
    for index, entries in state["state"].items():
        for key, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"{index}.{key}"] = value
            else:
                numbers["per_parameter"].setdefault(str(index), {})[key] = value
    return tensors, numbers


def join_optimizer_state(tensors: StateTensors, numbers: StateNumbers) -> dict[str, Any]:
    """Undo `split_optimizer_state`: return what `Optimizer.load_state_dict` takes."""
    state: dict[int, dict[str, Any]] = {
        int(index): dict(entries) for index, entries in numbers["per_parameter"].items()
    }
    for name, tensor in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = tensor
    # JSON has no tuples; the betas of Adam are one.
    groups = [
        {key: tuple(value) if key == "betas" else value for key, value in group.items()}
        for group in numbers["param_groups"]
    ]
    return {"state": state, "param_groups": groups}
