"""The update of `AdamW` on a CPU as one loop over all entries, compiled by Numba and shared among threads.

`adamw_update.py` has the definition: seven operations, of which each reads and writes memory. The loop does
the same and reads and writes each entry once. For 22 million weights on two cores of an Intel Xeon (Emerald
Rapids), in milliseconds:

| the definition | the loop | PyTorch's fused AdamW |
| -------------- | -------- | --------------------- |
| 41             | 20       | 16                    |

Numba is imported, and the loop compiled, when the first large parameter is updated: a second or two, once in
a process. Where there is no Numba, everything is updated by the definition.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.autograd.graph import increment_version

from cs336_basics.functional.plain_tensor import is_plain
from cs336_basics.optim.adamw_update import Update, update

FEWEST_ENTRIES = 1 << 16  # a smaller tensor stays in the cache anyway, and in the form one can step through


def update_all(updates: Iterable[Update]) -> None:
    """Apply the updates of a step: of large tensors on a CPU by the loop, of all others by the definition."""
    for_loop, others = [], []
    for entry in updates:
        (for_loop if is_for_loop(entry) else others).append(entry)
    for entry in others:
        update(*entry)
    if for_loop:
        update_in_threads(for_loop)


def is_for_loop(entry: Update) -> bool:
    """Say whether the loop updates this one."""
    *tensors, _ = entry
    return (
        all(map(is_large_on_cpu, tensors))
        and not torch.compiler.is_compiling()
        and compiled_loop() is not None
    )


def is_large_on_cpu(tensor: Tensor) -> bool:
    """Say whether a tensor is large, without gaps in the memory of a CPU, and of a type that NumPy has too.

    So of no sixteen-bit type, which the definition rounds after each operation, as the loop would not.
    """
    return (
        is_plain(tensor)
        and tensor.numel() >= FEWEST_ENTRIES
        and tensor.device.type == "cpu"
        and tensor.dtype in (torch.float32, torch.float64)
        and tensor.is_contiguous()
        and not tensor.is_inference()  # changes of such a tensor cannot be counted
    )


def update_in_threads(updates: Sequence[Update]) -> None:
    """Let each of PyTorch's threads update a part of every tensor."""
    num_threads = torch.get_num_threads()
    shares = zip(*(cut(entry, num_threads) for entry in updates), strict=True)
    with ThreadPoolExecutor(num_threads) as pool:
        for _ in pool.map(run_loop, shares):  # raises what a thread has raised
            pass
    for entry in updates:  # PyTorch does not see that NumPy's views are written
        increment_version((entry.parameter, entry.first_moment, entry.second_moment))


def cut(entry: Update, num_parts: int) -> list[tuple]:
    """Return what the loop takes for each of several parts of the tensors, of nearly the same size."""
    *tensors, factors = entry
    vectors = [tensor.detach().view(-1).numpy() for tensor in tensors]
    numbers = [vectors[0].dtype.type(factor) for factor in factors]  # or it would calculate in float64
    ends = [len(vectors[0]) * part // num_parts for part in range(num_parts + 1)]
    return [(*(vector[start:end] for vector in vectors), *numbers) for start, end in pairwise(ends)]


def run_loop(share: Iterable[tuple]) -> None:
    """Run the loop over one thread's part of each tensor."""
    loop = compiled_loop()
    assert loop is not None
    for arguments in share:
        loop(*arguments)


@cache
def compiled_loop() -> Callable[..., None] | None:
    """Return `update_entries` in the machine's own language; None where there is no Numba."""
    try:
        from numba import njit
    except ImportError:
        return None
    return njit(update_entries, nogil=True, error_model="numpy")  # a division by 0 is infinity, as in PyTorch


def update_entries(
    parameter: np.ndarray,
    gradient: np.ndarray,
    first_moment: np.ndarray,
    second_moment: np.ndarray,
    kept: float,
    beta1: float,
    first_share: float,
    beta2: float,
    second_share: float,
    step_size: float,
    epsilon: float,
) -> None:
    """Apply the four lines of `AdamW` to each entry of vectors; the numbers are those of `StepFactors`."""
    for i in range(len(parameter)):
        g = gradient[i]
        m = beta1 * first_moment[i] + first_share * g
        v = beta2 * second_moment[i] + second_share * g * g
        first_moment[i] = m
        second_moment[i] = v
        parameter[i] = kept * parameter[i] - step_size * m / (math.sqrt(v) + epsilon)
