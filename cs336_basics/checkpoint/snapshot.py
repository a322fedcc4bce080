"""What a run checkpoint keeps of a model and its optimizer: tensors by name, and plain numbers."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn
from torch.optim import Optimizer

from cs336_basics.checkpoint.optimizer_state import StateNumbers, StateTensors, split_optimizer_state
from cs336_basics.checkpoint.state import plain_state


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A model and its optimizer at one moment. The tensors may be theirs: write it before the next step."""

    weights: dict[str, Tensor]
    """By the names that they have in a model that is not compiled."""
    optimizer_tensors: StateTensors
    optimizer_numbers: StateNumbers


def itself(tensor: Tensor) -> Tensor:
    """Return the tensor."""
    return tensor


def take_snapshot(
    model: nn.Module, optimizer: Optimizer, *, whole: Callable[[Tensor], Tensor] = itself
) -> Snapshot:
    """Collect what a checkpoint needs; `whole` puts a tensor together that is spread over processes."""
    tensors, numbers = split_optimizer_state(optimizer)
    return Snapshot(
        weights={name: whole(tensor).contiguous() for name, tensor in plain_state(model).items()},
        optimizer_tensors={name: whole(tensor).contiguous() for name, tensor in tensors.items()},
        optimizer_numbers=numbers,
    )
