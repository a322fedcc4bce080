"""Say in one line where results come from: processor, cores, system, versions."""

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from cs336_basics.functional.processor import cpu_name
from cs336_basics.tokenization.worker_pool import usable_cpus


def describe_machine(packages: Iterable[str]) -> str:
    """Name the processor, its usable cores, the system, Python, and those packages that are installed."""
    versions = [f"{package} {found}" for package in packages if (found := _version(package))]
    system = f"{platform.system()} {platform.machine()}"
    parts = [cpu_name(), f"{usable_cpus()} usable cores", system, f"Python {platform.python_version()}"]
    return ", ".join([*parts, *versions])


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
