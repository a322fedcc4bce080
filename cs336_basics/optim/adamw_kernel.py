"""The update of `AdamW` on a CPU as one loop over all entries, compiled by Numba and shared among threads.

`adamw_update.py` has the definition: seven operations, of which each goes over memory. The loop does the same
and goes over it once. For 22 million weights on two cores of an Intel Xeon (Emerald Rapids), in milliseconds:

| the definition | the loop | PyTorch's fused AdamW |
| -------------- | -------- | --------------------- |
| 41             | 20       | 16                    |

Numba is imported, and the loop compiled, with the first `AdamW` that has a large parameter on a CPU: a second
or two and some 115 MB, once in a process. Where that does not work, everything is updated by the definition.
With `NUMBA_DISABLE_JIT=1` Python itself runs the loop.
"""

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.autograd.graph import increment_version

from cs336_basics.functional.plain_tensor import is_plain
from cs336_basics.optim.adamw_update import Update, update
from cs336_basics.optim.threads import run_in_threads

FEWEST_ENTRIES = 1 << 16  # a smaller tensor stays in the cache anyway, and in the form one can step through
Kernel = Callable[..., None]


def prepare_kernel(parameters: Iterable[Tensor]) -> None:
    """Compile the kernel, for float32, if these parameters will need one, so that no step has to."""
    if any(map(is_large_on_cpu, parameters)):
        compiled_kernel()


def update_all(updates: Sequence[Update]) -> None:
    """Apply the updates of a step: of large tensors on a CPU by the kernel, of others by the definition."""
    for_kernel: list[Update] = []
    others: list[Update] = []
    for entry in updates:
        (for_kernel if is_for_kernel(entry) else others).append(entry)
    kernel = compiled_kernel() if for_kernel else None
    for entry in updates if kernel is None else others:
        update(*entry)
    if kernel is not None:
        update_in_threads(kernel, for_kernel)


def is_for_kernel(entry: Update) -> bool:
    """Say whether the kernel may have these tensors, which it neither checks nor converts."""
    if torch.compiler.is_compiling():  # compilers make a kernel of their own
        return False
    *tensors, _ = entry
    are_alike = len({(tensor.shape, tensor.dtype) for tensor in tensors}) == 1  # else the definition objects
    return are_alike and all(map(is_large_on_cpu, tensors))


def is_large_on_cpu(tensor: Tensor) -> bool:
    """Say whether a tensor is large, without gaps in the memory of a CPU, and of a type that NumPy has too.

    So of no sixteen-bit type, which the definition rounds after each operation, as the loop would not. One
    made for inference is left to the definition, which knows when it may be changed.
    """
    return (
        is_plain(tensor)
        and tensor.numel() >= FEWEST_ENTRIES
        and tensor.device.type == "cpu"
        and tensor.dtype in (torch.float32, torch.float64)
        and tensor.is_contiguous()
        and not tensor.is_neg()
        and not tensor.is_inference()
    )


def update_in_threads(kernel: Kernel, updates: Sequence[Update]) -> None:
    """Let as many threads as PyTorch has update a share of the entries each.

    They do not wait for each other between tensors, so parameters must not overlap in memory.
    """
    shares = share_out(updates, torch.get_num_threads())
    try:
        run_in_threads(partial(run_kernel, kernel, share) for share in shares)
    finally:
        for entry in updates:  # PyTorch does not see what is written through NumPy
            increment_version((entry.parameter, entry.first_moment, entry.second_moment))


def share_out(updates: Sequence[Update], num_shares: int) -> list[list[tuple]]:
    """Cut all entries, tensor after tensor, into shares of one size: calls of the kernel for each thread."""
    calls = [arguments_of(entry) for entry in updates]
    total = sum(len(vectors[0]) for vectors, _ in calls)
    shares = []
    for start, end in pairwise(total * share // num_shares for share in range(num_shares + 1)):
        share, offset = [], 0
        for vectors, numbers in calls:
            first, last = max(start - offset, 0), min(end - offset, len(vectors[0]))
            if first < last:
                share.append((*(vector[first:last] for vector in vectors), *numbers))
            offset += len(vectors[0])
        shares.append(share)
    return shares


def arguments_of(entry: Update) -> tuple[list[np.ndarray], list[np.floating]]:
    """Return the tensors as NumPy's vectors in the same memory, and the factors in their type.

    Python's numbers would make the loop calculate in float64. PyTorch refuses to resize the memory of a
    tensor once NumPy has seen it.
    """
    *tensors, factors = entry
    vectors = [tensor.detach().view(-1).numpy() for tensor in tensors]
    numbers = [vectors[0].dtype.type(float(factor)) for factor in factors]
    return vectors, numbers


def run_kernel(kernel: Kernel, share: Sequence[tuple]) -> None:
    """Call the kernel for each part of a tensor in a thread's share."""
    for arguments in share:
        kernel(*arguments)


@cache
def compiled_kernel() -> Kernel | None:
    """Return `update_entries` in the machine's own language; None, after a warning, without Numba."""
    # In a thread: modules that Ctrl-C has left half imported would stay so.
    (outcome,) = run_in_threads([compile_kernel])
    if isinstance(outcome, Exception):
        warnings.warn(f"AdamW goes on without Numba, which does not work here ({outcome})", stacklevel=2)
        return None
    return outcome


def compile_kernel() -> Kernel | Exception:
    """Import Numba, compile the loop, for float32 at once and for float64 when it is needed, and run it.

    Returns what a Numba that is missing, or that does not fit this machine or its settings, raises.
    """
    try:
        from numba import njit

        kernel: Kernel = njit(update_entries, nogil=True, error_model="numpy")  # x / 0 is infinity
        run_kernel(kernel, [(*np.ones((4, 1), np.float32), *np.ones(7, np.float32))])
    except (ImportError, OSError, AttributeError, RuntimeError, ValueError) as error:
        return error
    return kernel


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
