"""Fully sharded data parallelism by PyTorch's FSDP2 (Zhao et al. 2023, arXiv:2304.11277).

Each process has a part of each weight, gradient and moment, and gathers the weights of a block when it
computes.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer

from cs336_basics.accounting.engines import Engine, check_optimizer, fully_sharded
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.optim.clipping import global_l2_norm, scale_down
from cs336_basics.training.config import RunConfig
from cs336_basics.training.objective import NextTokenLoss
from cs336_basics.training.parallel.collectives import TorchrunProcesses
from cs336_basics.training.parallel.sharded_state import hand_over, own_rows


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
        try:
            yield
        finally:
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
