"""What the processes that `torchrun` has started tell each other, whatever their engine."""

from collections.abc import Callable, Iterable
from itertools import islice

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor

from cs336_basics.training.processes import Item, Processes


class TorchrunProcesses(Processes):
    """The processes that `torchrun` has started, while their group is there."""

    def __init__(self) -> None:
        self.rank = dist.get_rank()
        self.count = dist.get_world_size()

    def map(self, function: Callable[[Item], float], items: Iterable[Item]) -> Iterable[float]:
        """Take as many items as there are processes, then as many again; add up at the end."""
        results: list[float] = []
        left = iter(items)
        while together := list(islice(left, self.count)):
            own = function(together[min(self.rank, len(together) - 1)])
            results += [own if place == self.rank else 0.0 for place in range(len(together))]
        shared = torch.tensor(results, dtype=torch.float64)
        dist.all_reduce(shared)
        return shared.tolist()

    def wait(self) -> None:
        """Wait until every process has come here: a sum over all has no result before."""
        dist.all_reduce(torch.zeros(()))

    def from_first(self, text: str) -> str:
        """Send the number of bytes, then the bytes."""
        content = torch.tensor(list(text.encode()), dtype=torch.uint8)
        length = torch.tensor(len(content))
        dist.broadcast(length, src=0)
        if not self.is_first:
            content = torch.empty(int(length), dtype=torch.uint8)
        dist.broadcast(content, src=0)
        return bytes(content.tolist()).decode()

    def mean(self, value: Float[Tensor, ""]) -> Float[Tensor, ""]:
        """Add up and divide."""
        total = value.clone()
        dist.all_reduce(total)
        return total / self.count

    def largest(self, number: int) -> int:
        """Reduce to the maximum."""
        numbers = torch.tensor(number)
        dist.all_reduce(numbers, dist.ReduceOp.MAX)
        return int(numbers)
