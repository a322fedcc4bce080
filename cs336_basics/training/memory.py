"""What training will need of memory, said before the first step, and what to change when it is not there."""

import platform
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch

from cs336_basics.accounting.batch import Batch
from cs336_basics.accounting.memory import MemoryEstimate, estimate_memory, in_float64
from cs336_basics.accounting.readable import with_unit
from cs336_basics.training.config import RunConfig
from cs336_basics.training.hardware import memory_of_device
from cs336_basics.training.parallel.torchrun import num_local_processes
from cs336_basics.training.processes import ONE_PROCESS, Processes

# In the plain RuntimeError of CPUs and of Apple's GPUs.
OUT_OF_MEMORY_PHRASES = ("can't allocate memory", "out of memory")


class NotEnoughMemoryError(RuntimeError):
    """Memory has run out; the sentence says which settings need less."""


def memory_of_run(config: RunConfig, processes: Processes = ONE_PROCESS) -> MemoryEstimate:
    """Return what each process needs at the peak of a step of a resolved configuration."""
    training = config.training
    estimate = estimate_memory(
        config.model,
        Batch(
            batch_size=training.batch_size // processes.count,
            seq=config.model.context_length,
            precision="bf16" if training.precision == "bf16" else "fp32",
        ),
        optimizer=config.optimizer.optimizer,
        accumulation_steps=training.accumulation_steps,
        recompute=training.recompute,
        engine=processes.engine_memory,
    )
    return in_float64(estimate) if training.precision == "fp64" else estimate


def describe_memory(config: RunConfig, processes: Processes = ONE_PROCESS) -> str:
    """Return the estimate for a resolved configuration in one line."""
    estimate, has_gaps = memory_of_run(config, processes), has_heap_gaps(config)
    peak = peak_here(estimate, config)
    sizes = {
        "weights": estimate.weights,
        "gradients": estimate.gradients,
        "optimizer": estimate.optimizer_state,
        "activations": estimate.activations,
        **({"whole weights": estimate.gathered} if estimate.gathered > 0 else {}),
        **({"gaps between them": estimate.heap_gaps} if has_gaps else {}),
    }
    listed = ", ".join(f"{name} {with_unit(size, 'B')}" for name, size in sizes.items())
    each = "" if processes.count == 1 else "in each process "
    at_start = f", {with_unit(estimate.start, 'B')} when a run continues" if estimate.start > peak else ""
    return (
        f"memory: about {with_unit(peak, 'B')} {each}at the peak of a step ({listed}){at_start}, "
        "besides what Python and its libraries take"
    )


def has_heap_gaps(config: RunConfig) -> bool:
    """Say whether the tensors of a run lie in a heap with gaps between them."""
    return config.training.device == "cpu" and platform.libc_ver()[0] == "glibc"


def peak_here(estimate: MemoryEstimate, config: RunConfig) -> int | float:
    """Return the memory of a step at its peak, with the gaps of the heap where there are some."""
    return estimate.resident_peak if has_heap_gaps(config) else estimate.peak


def warn_of_too_little_memory(config: RunConfig, processes: Processes = ONE_PROCESS) -> None:
    """Warn where a step needs more than the machine has: on a CPU the system may end the process unheard."""
    estimate, there = memory_of_run(config, processes), memory_of_device(config.training.device)
    sharing = 1 if config.training.device == "cuda" else num_local_processes()
    needed = max(peak_here(estimate, config), estimate.start) * sharing
    if there is not None and needed > there:
        reason = f"about {with_unit(needed, 'B')} of {with_unit(there, 'B')}"
        warnings.warn(advice(config, processes, reason), stacklevel=2)


@contextmanager
def explained_out_of_memory(config: RunConfig, processes: Processes = ONE_PROCESS) -> Iterator[None]:
    """Turn an error of the block that says memory has run out into a `NotEnoughMemoryError`."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        reason = str(error).partition("\n")[0]
        raise NotEnoughMemoryError(advice(config, processes, reason)) from error


def is_out_of_memory(error: Exception) -> bool:
    """Say whether an error of Python, NumPy or PyTorch means that memory has run out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(words in str(error) for words in OUT_OF_MEMORY_PHRASES)


def advice(config: RunConfig, processes: Processes, reason: str) -> str:
    """Return what is needed, and the settings of this run that could be changed."""
    training = config.training
    each = training.batch_size // processes.count
    ways = []
    if would_save(config, processes, accumulation_steps=each):
        now = training.accumulation_steps
        ways.append(f"more accumulation_steps (now {now}, a divisor of {each}), which change no result")
    if would_save(config, processes, recompute=True):
        ways.append("recompute, which changes no result")
    if would_save(config, processes, batch_size=processes.count, accumulation_steps=1):
        ways.append(f"a smaller batch_size (now {training.batch_size}) or context")
    ways.append("a smaller model")
    return f"training needs more memory than there is ({reason}); take {', or '.join(ways)}"


def would_save(config: RunConfig, processes: Processes, **changes: Any) -> bool:
    """Say whether a step would need less memory with other settings of training."""
    changed = replace(config, training=replace(config.training, **changes))
    return memory_of_run(changed, processes).peak < memory_of_run(config, processes).peak
