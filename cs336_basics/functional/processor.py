"""Which CPU this is: results are reported with it, and quick ways to compute go by it."""

import platform

import torch


def cpu_name() -> str:
    """Return the CPU's name as far as the system tells it, or "unknown"."""
    return _entry_of_cpuinfo("model name") or platform.processor() or "unknown"


def is_intel() -> bool:
    """Say whether the CPU is one of Intel's, as far as Linux or Windows tells."""
    return "intel" in (_entry_of_cpuinfo("vendor_id") or platform.processor()).lower()


def _entry_of_cpuinfo(key: str) -> str | None:
    """Return what Linux tells of the first CPU under this key; None elsewhere."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next((line.partition(":")[2].strip() for line in file if line.startswith(key)), None)
    except OSError:
        return None


MKL_IS_SLOW = torch.backends.mkl.is_available() and not is_intel()
"""Whether this PyTorch leaves work to a library that is made for other processors."""
