"""What training will need of memory, said before the first step, and what to change when it is not there."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from cs336_basics.accounting.batch import Batch
from cs336_basics.accounting.memory import MemoryEstimate, estimate_memory
from cs336_basics.accounting.readable import with_unit
from cs336_basics.training.config import RunConfig

CPU_AND_APPLE_SAY = ("can't allocate memory", "out of memory")  # in a plain RuntimeError


class NotEnoughMemoryError(RuntimeError):
    """Memory has run out; the sentence says which settings need less."""


def memory_of_run(config: RunConfig, *, num_processes: int = 1) -> MemoryEstimate:
    """Return what one of the processes of a run needs at the peak of a step, with a whole model in each.

    A choice that accounting has no formula for is a `ValueError`.
    """
    training = config.training
    if training.precision not in ("fp32", "bf16"):
        raise ValueError(f"memory is counted for fp32 and bf16 but precision is {training.precision!r}")
    return estimate_memory(
        config.model,
        Batch(
            batch_size=training.batch_size // num_processes,
            seq=config.model.context_length,
            precision=training.precision,
        ),
        optimizer=config.optimizer.optimizer,
        accumulation_steps=training.accumulation_steps,
        recompute=training.recompute,
    )


def describe_memory(config: RunConfig, *, num_processes: int = 1) -> str:
    """Return the estimate in one line, or why there is none."""
    try:
        estimate = memory_of_run(config, num_processes=num_processes)
    except ValueError as error:
        return f"memory: no estimate, because {error}"
    sizes = {
        "weights": estimate.weights,
        "gradients": estimate.gradients,
        "optimizer": estimate.optimizer_state,
        "activations": estimate.activations,
    }
    listed = ", ".join(f"{name} {with_unit(size, 'B')}" for name, size in sizes.items())
    return (
        f"memory: about {with_unit(estimate.peak, 'B')} at the peak of a step ({listed}), besides what "
        "Python and PyTorch take"
    )


@contextmanager
def explained_out_of_memory(config: RunConfig) -> Iterator[None]:
    """Turn an error of the block that says memory has run out into a `NotEnoughMemoryError`."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise NotEnoughMemoryError(advice(config, str(error).partition("\n")[0])) from error


def is_out_of_memory(error: Exception) -> bool:
    """Say whether an error of Python, NumPy or PyTorch means that memory has run out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(words in str(error) for words in CPU_AND_APPLE_SAY)


def advice(config: RunConfig, reason: str) -> str:
    """Return what is needed, and the settings of this run that could be changed."""
    training = config.training
    ways = []
    if training.accumulation_steps < training.batch_size:
        ways.append(
            f"a larger accumulation_steps (now {training.accumulation_steps}), which changes no result"
        )
    if not training.recompute:
        ways.append("recompute, which changes none either")
    ways.append(f"a smaller batch_size (now {training.batch_size}), context or model")
    return f"training needs more memory than there is ({reason}); take {', or '.join(ways)}"
