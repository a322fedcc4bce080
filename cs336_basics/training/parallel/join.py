"""Where a run gets its processes from: `torchrun`, with the engine chosen, or from being alone."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
import torch.distributed as dist

from cs336_basics.accounting.engines import ParallelForm
from cs336_basics.training.parallel.collectives import TorchrunProcesses
from cs336_basics.training.parallel.data_parallel import DataParallel
from cs336_basics.training.parallel.fully_sharded import FullySharded
from cs336_basics.training.parallel.torchrun import is_started_by_torchrun
from cs336_basics.training.processes import ONE_PROCESS, Processes

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
