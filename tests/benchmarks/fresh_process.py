"""Run one measurement in a fresh process: how long it takes and, on demand, how much memory at its peak.

What is measured is a generator function of a module that is quick to import, and has up to three parts:

    def subject(**settings):
        ...          # imports and preparation
        yield
        ...          # the work that the clock counts
        yield
        yield {...}  # facts about the result, to be checked: a dictionary that JSON can hold
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any

REPOSITORY = Path(__file__).parents[2]
SECONDS_BETWEEN_SAMPLES = 0.01


@dataclass(frozen=True)
class Measurement:
    """What one run took; `peak_bytes` is None where memory was not sampled."""

    seconds: float
    peak_bytes: int | None
    facts: dict[str, Any]


def measure_in_fresh_process(
    subject: str,
    settings: Mapping[str, Any],
    *,
    environment: Mapping[str, str] | None = None,
    sample_memory: bool = False,
) -> Measurement:
    """Run `subject` ("package.module:function") with `settings`, which go there as JSON.

    Sampling takes time from the other processes of a busy machine: do not use both numbers of one run.
    """
    command = [sys.executable, "-m", "tests.benchmarks.fresh_process", subject, json.dumps(settings)]
    paths = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    everything = {**os.environ, **(environment or {}), "PYTHONPATH": os.pathsep.join(paths)}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        peak_bytes = _run(command, output, everything, sample_memory=sample_memory)
        output.seek(0)
        result = json.loads(output.read().splitlines()[-1])
    return Measurement(result["seconds"], peak_bytes, result["facts"])


def _run(
    command: list[str], output: IO[str], environment: Mapping[str, str], *, sample_memory: bool
) -> int | None:
    """Run the command to its end and return its peak, if it is to be sampled."""
    process = subprocess.Popen(command, stdout=output, env=environment)
    peak_bytes = None
    try:
        if sample_memory:
            peak_bytes = _peak_until_end(process)
        status = process.wait()
    finally:
        process.kill()
    if status != 0:
        raise RuntimeError(f"a measured process must succeed but {command[3:]} ended with status {status}")
    return peak_bytes


def memory_can_be_sampled() -> bool:
    """Say whether this system tells the proportional set size: on Linux only."""
    return Path("/proc/self/smaps_rollup").exists()


def _peak_until_end(process: subprocess.Popen) -> int:
    peak = 0
    while process.poll() is None:
        peak = max(peak, _tree_bytes(process.pid))
        time.sleep(SECONDS_BETWEEN_SAMPLES)
    return peak


def _tree_bytes(pid: int) -> int:
    """Return the memory of a process and all below it, with what they share counted once."""
    import psutil  # here, since a measured process imports this module too

    try:
        root = psutil.Process(pid)
        pids = [pid, *(child.pid for child in root.children(recursive=True))]
    except psutil.NoSuchProcess:
        return 0
    return sum(map(_proportional_bytes, pids))


def _proportional_bytes(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:  # ended meanwhile
        return 0
    kilobytes = re.search(r"^Pss: +(\d+) kB$", rollup, re.MULTILINE)
    return int(kilobytes[1]) << 10 if kilobytes else 0


def _main(subject: str, settings: str) -> None:
    """Be the fresh process: run the subject and print what it took."""
    module, _, function = subject.partition(":")
    steps = getattr(import_module(module), function)(**json.loads(settings))
    next(steps)
    start = time.perf_counter()
    next(steps)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "facts": next(steps, {})}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
