"""Data parallelism by PyTorch's DDP (Li et al. 2020, arXiv:2006.15704).

Each process has the whole model, computes a part of the batch, and averages its gradients with the others.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from cs336_basics.accounting.engines import Engine, data_parallel
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.optim.clipping import clip_gradients
from cs336_basics.training.objective import NextTokenLoss
from cs336_basics.training.parallel.collectives import TorchrunProcesses


class DataParallel(TorchrunProcesses):
    """Each process has the whole model."""

    @property
    def engine_memory(self) -> Engine:
        """Return what the buckets add in which gradients are averaged."""
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
