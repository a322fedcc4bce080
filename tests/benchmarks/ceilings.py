"""The most that this machine can do: products of large matrices, and reading memory."""

import time

import torch

from cs336_basics.training.hardware import matrix_gflops

BANDWIDTH_BYTES = 1 << 28  # far more than any cache holds


def peak_gflops(*, bf16: bool) -> float:
    """Return the 1e9 floating point operations a second of matrix products."""
    return matrix_gflops(torch.bfloat16 if bf16 else torch.float32, seconds=1.0)


def read_gigabytes_per_second() -> float:
    """Return how fast a sum goes through memory, the best of several."""
    data = torch.ones(BANDWIDTH_BYTES // 4)
    best = float("inf")
    for _ in range(8):
        start = time.perf_counter()
        data.sum()
        best = min(best, time.perf_counter() - start)
    return BANDWIDTH_BYTES / best / 1e9
