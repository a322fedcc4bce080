"""Which device, which precision: decided once, before the first step, from what the machine can do."""

import os
import platform
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path

import torch

from cs336_basics.functional.processor import cpu_name
from cs336_basics.training.config import TrainingConfig

TRIAL_SECONDS = 0.25  # for each of the two precisions
TRIAL_SIZE = 1024

# Of Linux's control groups, in their second and their first version.
CONTAINER_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def resolve_hardware(config: TrainingConfig) -> TrainingConfig:
    """Return the configuration with "auto" replaced by a device and a precision of this machine."""
    device = resolve_device(config.device)
    precision = config.precision
    if precision == "fp64" and device == "mps":
        raise ValueError("precision fp64 needs a device with float64 but 'mps' has none; take --device cpu")
    if precision == "auto":
        precision = "bf16" if bf16_is_faster(device) else "fp32"
    return replace(config, device=device, precision=precision)


def resolve_device(device: str) -> str:
    """Return `device`, or for "auto" the best one here; a device that is not here is a `ValueError`."""
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return next(name for name, is_there in available.items() if is_there)
    if not available.get(device, False):
        there = ", ".join(name for name, is_there in available.items() if is_there)
        raise ValueError(f"the device must exist on this machine but {device!r} does not; here: {there}")
    return device


def memory_of_device(device: str) -> int | None:
    """Return how many bytes of memory a device has for us, used or not; None where that is not known."""
    if device == "cuda":
        return torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
    if not hasattr(os, "sysconf"):  # on Windows
        return None
    sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for limit in CONTAINER_LIMITS:
        with suppress(OSError, ValueError):  # there is none, or it is "max"
            sizes.append(int(limit.read_text()))
    return min(sizes)


def bf16_is_faster(device: str) -> bool:
    """Say whether matrix products in bfloat16 pay here: on CUDA by its word, on a CPU by a trial."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device == "mps":
        return False
    return matrix_gflops(torch.bfloat16) > 1.2 * matrix_gflops(torch.float32)


def matrix_gflops(dtype: torch.dtype, *, seconds: float = TRIAL_SECONDS) -> float:
    """Measure how many 1e9 floating point operations a second the CPU does in products of large matrices."""
    left = torch.ones(TRIAL_SIZE, TRIAL_SIZE, dtype=dtype)
    right = torch.ones(TRIAL_SIZE, TRIAL_SIZE, dtype=dtype)
    torch.matmul(left, right)  # the first one also prepares
    products = 0
    start = time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        torch.matmul(left, right)
        products += 1
    return products * 2 * TRIAL_SIZE**3 / elapsed / 1e9


def autocast(config: TrainingConfig) -> AbstractContextManager:
    """Return the context in which forward passes of a resolved configuration run."""
    return torch.autocast(config.device, dtype=torch.bfloat16, enabled=config.precision == "bf16")


def weight_dtype(config: TrainingConfig) -> torch.dtype:
    """Return the type of the weights of a resolved configuration.

    A run in float64 that was made elsewhere can be opened on Apple's GPU, which has none: in float32.
    """
    is_wide = config.precision == "fp64" and config.device != "mps"
    return torch.float64 if is_wide else torch.float32


def describe_machine() -> dict[str, str | int]:
    """Return the versions and the processor that a run's results come from."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor_name(),
        "threads": torch.get_num_threads(),
    }


def processor_name() -> str:
    """Return the name of the accelerator, else the CPU's."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else cpu_name()
