"""Parts of tensors: what a process has of weights, gradients and moments that FSDP shares out by rows."""

from collections.abc import Mapping

from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Optimizer


def own_rows(tensor: Tensor) -> Tensor:
    """Return the rows of a sharded tensor that this process has."""
    assert isinstance(tensor, DTensor)
    return tensor.to_local()


def hand_over(optimizer: Optimizer, parts: Mapping[Tensor, Tensor]) -> None:
    """Let an optimizer go on with parts of its parameters, and with the same parts of its state."""
    state = {
        parts[parameter]: {
            key: _same_part(value, parameter, parts[parameter]) for key, value in entries.items()
        }
        for parameter, entries in optimizer.state.items()
    }
    optimizer.state.clear()
    optimizer.state.update(state)
    for group in optimizer.param_groups:
        group["params"] = [parts[parameter] for parameter in group["params"]]


def _same_part(value: object, parameter: Tensor, part: Tensor) -> object:
    """Return the rows of a moment that belong to the rows of a parameter; other state as it is."""
    assert isinstance(part, DTensor)
    if not isinstance(value, Tensor) or value.shape != parameter.shape:
        return value
    return distribute_tensor(value, part.device_mesh, part.placements, src_data_rank=None)
