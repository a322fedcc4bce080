"""The name of the CPU: results are reported with it, and a product of few vectors goes by it."""

import platform


def cpu_name() -> str:
    """Return the CPU's name as far as the system tells it, or "unknown"."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = (line.partition(":")[2].strip() for line in file if line.startswith("model name"))
            return next(names, None) or "unknown"
    except FileNotFoundError:
        return platform.processor() or "unknown"
