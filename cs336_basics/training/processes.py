"""What training asks of the processes that take its steps together, and the answers of one that is alone."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from cs336_basics.accounting.engines import Engine, one_process
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.optim.clipping import clip_gradients
from cs336_basics.training.config import RunConfig
from cs336_basics.training.objective import NextTokenLoss

Item = TypeVar("Item")


class Processes(ABC):
    """The processes of a run, seen from one of them.

    All of them call the same methods in the same order. Those that say so wait for the others.
    """

    rank: int
    """The number of this process, from 0."""
    count: int
    """How many there are."""

    @property
    def is_first(self) -> bool:
        """Whether this is the one that logs and writes."""
        return self.rank == 0

    @property
    @abstractmethod
    def engine_memory(self) -> Engine:
        """What their engine adds to the memory of each."""

    def check(self, config: RunConfig) -> None:
        """Raise `ValueError` if these processes cannot take the steps of `config`."""
        num_parts = self.count * config.training.accumulation_steps
        if config.training.batch_size % num_parts != 0:
            raise ValueError(
                f"batch_size must be a multiple of processes times accumulation_steps but "
                f"{config.training.batch_size} is not a multiple of {self.count} x "
                f"{config.training.accumulation_steps}; change one of the three"
            )

    def own_part(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return what falls to this process of items whose number `check` has allowed."""
        size = len(items) // self.count
        return items[self.rank * size : (self.rank + 1) * size]

    @abstractmethod
    def map(self, function: Callable[[Item], float], items: Iterable[Item]) -> Iterable[float]:
        """Return what `function` gives for each item: each result comes from one process, and all get all.

        All give the same items in the same order, and wait. Since the function may wait for the others too,
        all call it equally often: those that have nothing left at the end, for an item that is another's.
        """

    @abstractmethod
    def wait(self) -> None:
        """Wait until all processes have come here."""

    @abstractmethod
    def from_first(self, text: str) -> str:
        """Return the text that the first process gives; waits for it."""

    @abstractmethod
    def distribute(self, model: TransformerLM, optimizer: Optimizer) -> nn.Module:
        """Return the objective, `NextTokenLoss` or a wrapper, whose gradients are those of all processes.

        The model and the optimizer, which are complete and the same everywhere, may keep only a part.
        """

    @abstractmethod
    def local_gradients(self, objective: nn.Module) -> AbstractContextManager[None]:
        """Return a context whose backward passes only add to this process's own gradients."""

    @abstractmethod
    def mean(self, value: Float[Tensor, ""]) -> Float[Tensor, ""]:
        """Return the mean of what all processes have; waits for them."""

    @abstractmethod
    def clip_gradients(self, parameters: Iterable[Tensor], max_l2_norm: float) -> Float[Tensor, ""]:
        """Clip by the norm of the whole model's gradient and return it; waits."""

    @abstractmethod
    def largest(self, number: int) -> int:
        """Return the largest of the numbers that the processes have; waits for them."""

    def any(self, answer: bool) -> bool:
        """Return whether one of the processes says yes; waits for them."""
        return self.largest(int(answer)) > 0

    @abstractmethod
    def whole(self, tensor: Tensor) -> Tensor:
        """Return a weight or a moment whole, for the first process to write; waits.

        Where each process holds a part, the others get something that is not to be used.
        """


class OneProcess(Processes):
    """A process that is alone."""

    rank = 0
    count = 1

    @property
    def engine_memory(self) -> Engine:
        """Nothing: all memory is the model's, the optimizer's and the activations'."""
        return one_process

    def map(self, function: Callable[[Item], float], items: Iterable[Item]) -> Iterable[float]:
        """Call it for one item after another."""
        return map(function, items)

    def wait(self) -> None:
        """There is nobody to wait for."""

    def from_first(self, text: str) -> str:
        """Return the text."""
        return text

    def distribute(self, model: TransformerLM, optimizer: Optimizer) -> nn.Module:
        """Leave everything as it is."""
        return NextTokenLoss(model)

    def local_gradients(self, objective: nn.Module) -> AbstractContextManager[None]:
        """All gradients are its own."""
        return nullcontext()

    def mean(self, value: Float[Tensor, ""]) -> Float[Tensor, ""]:
        """Return the value."""
        return value

    def clip_gradients(self, parameters: Iterable[Tensor], max_l2_norm: float) -> Float[Tensor, ""]:
        """Clip by the norm of the gradients that are here."""
        return clip_gradients(parameters, max_l2_norm)

    def largest(self, number: int) -> int:
        """Return the number."""
        return number

    def whole(self, tensor: Tensor) -> Tensor:
        """Return the tensor."""
        return tensor


ONE_PROCESS = OneProcess()
