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
        weights=_each(plain_state(model), whole),
        optimizer_tensors=_each(tensors, whole),
        optimizer_numbers=numbers,
    )


def _each(tensors: dict[str, Tensor], whole: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """Put tensor after tensor together, by name: processes that do it together need the same order."""
    return {name: whole(tensors[name]).contiguous() for name in sorted(tensors)}
