"""Several processes on PyTorch's own engines: `torchrun` starts them, DDP or FSDP2 lets them train together.

DDP keeps the whole model in each process and averages gradients (Li et al. 2020, arXiv:2006.15704). FSDP
keeps a part of each weight, gradient and moment in each process and gathers the weights of a block when it
computes (Zhao et al. 2023, arXiv:2304.11277). These are engines, not parts of a model, and the only thing
here that is not from scratch.
"""

import gc
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import islice

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from cs336_basics.accounting.engines import (
    Engine,
    ParallelForm,
    check_optimizer,
    data_parallel,
    fully_sharded,
)
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.optim.clipping import clip_gradients, global_l2_norm, scale_down
from cs336_basics.training.config import RunConfig
from cs336_basics.training.objective import NextTokenLoss
from cs336_basics.training.processes import ONE_PROCESS, Item, Processes
from cs336_basics.training.sharded_state import hand_over, own_rows
from cs336_basics.training.torchrun import is_started_by_torchrun


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
        """Add up nothing: no result is there before all have given theirs."""
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


class DataParallel(TorchrunProcesses):
    """Each process has the whole model."""

    @property
    def engine_memory(self) -> Engine:
        """Room for gradients."""
        return data_parallel

    def distribute(self, model: TransformerLM, optimizer: Optimizer) -> nn.Module:
        """Let each backward pass average the gradients."""
        return DistributedDataParallel(NextTokenLoss(model), gradient_as_bucket_view=True)

    def local_gradients(self, objective: nn.Module) -> AbstractContextManager[None]:
        """Leave out the averaging."""
        assert isinstance(objective, DistributedDataParallel)
        return objective.no_sync()

    def clip_gradients(self, parameters: Iterable[Tensor], max_l2_norm: float) -> Float[Tensor, ""]:
        """Clip the averaged gradients, which are the same everywhere."""
        return clip_gradients(parameters, max_l2_norm)

    def whole(self, tensor: Tensor) -> Tensor:
        """Return the tensor, which is whole."""
        return tensor


class FullySharded(TorchrunProcesses):
    """Each process has its rows of each weight, and the optimizer's moments of them."""

    @property
    def engine_memory(self) -> Engine:
        """A part of everything, and the whole of what computes."""
        return partial(fully_sharded, count=self.count)

    def check(self, config: RunConfig) -> None:
        """Refuse Muon too: it makes whole matrices orthogonal."""
        super().check(config)
        check_optimizer("fsdp", config.optimizer.optimizer)

    def distribute(self, model: TransformerLM, optimizer: Optimizer) -> nn.Module:
        """Keep this process's rows only, of the model and of the optimizer's state."""
        whole_parameters = dict(model.named_parameters())
        device_type = next(model.parameters()).device.type
        mesh = init_device_mesh(device_type, (self.count,))
        for block in model.layers:
            fully_shard(block, mesh=mesh)
        fully_shard(model, mesh=mesh)
        register_fsdp_forward_method(model, "hidden_states")
        if device_type == "cpu":  # where gloo cannot average
            _sharded(model).set_force_sum_reduction_for_comms(True)
        parts: dict[Tensor, Tensor] = {
            whole_parameters[name]: part for name, part in model.named_parameters()
        }
        hand_over(optimizer, parts)
        return NextTokenLoss(model)

    @contextmanager
    def local_gradients(self, objective: nn.Module) -> Iterator[None]:
        """Leave out adding up; until then each process has the gradients of whole weights."""
        assert isinstance(objective, NextTokenLoss)
        _sharded(objective.model).set_requires_gradient_sync(False)
        yield
        _sharded(objective.model).set_requires_gradient_sync(True)

    def clip_gradients(self, parameters: Iterable[Tensor], max_l2_norm: float) -> Float[Tensor, ""]:
        """Clip this process's rows by the norm of all rows."""
        gradients = [own_rows(parameter.grad) for parameter in parameters if parameter.grad is not None]
        square = global_l2_norm(gradients).square()
        dist.all_reduce(square)
        norm = square.sqrt()
        scale_down(gradients, norm, max_l2_norm)
        return norm

    def whole(self, tensor: Tensor) -> Tensor:
        """Gather the rows, one tensor after another, in the memory of the first process's CPU."""
        if not isinstance(tensor, DTensor):
            return tensor
        gathered = tensor.full_tensor()
        return gathered.cpu() if self.is_first else gathered.new_empty(0)


def _sharded(model: nn.Module) -> FSDPModule:
    assert isinstance(model, FSDPModule)
    return model


ENGINES: dict[ParallelForm, type[TorchrunProcesses]] = {"ddp": DataParallel, "fsdp": FullySharded}


@contextmanager
def processes_of_torchrun(parallel: ParallelForm | None) -> Iterator[Processes]:
    """Yield the processes that `torchrun` has started, joined for the length of the block.

    A process that was started otherwise is alone; asking it for an engine is a `ValueError`.
    """
    if not is_started_by_torchrun():
        if parallel is not None:
            raise ValueError(
                f"several processes are started by torchrun but this one was not, and parallel is "
                f"{parallel!r}; use `torchrun --nproc-per-node N -m cs336_basics train ...`"
            )
        yield ONE_PROCESS
        return
    with nullcontext() if dist.is_initialized() else process_group():
        yield ENGINES[parallel or "ddp"]()


@contextmanager
def process_group() -> Iterator[None]:
    """Join the processes that `torchrun` has started, each with a GPU of its own if there are any."""
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        gc.collect()  # cycles of DDP's keep the group, whose threads can abort a process that ends with them
        dist.destroy_process_group()
