"""Run the command line as a user does: in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

# Models of a few thousand weights gain nothing from a second thread, and two threads of one process that
# wait for each other suffer most when other processes keep the CPUs busy.
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}

SMALL_MODEL = (
    "--d-model", "16", "--num-heads", "2", "--num-layers", "1", "--context-length", "16", "--batch-size", "4",
)  # fmt: skip


def cs336(
    *arguments: str | Path, cwd: Path, timeout: float = 120, env: dict[str, str] = ONE_THREAD
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cs336_basics", *map(str, arguments)],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
    )


def start_cs336(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cs336_basics", *map(str, arguments)],
        cwd=cwd,
        env=ONE_THREAD,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
