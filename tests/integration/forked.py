"""Give commands to one process that has everything loaded already, see `run_and_die`."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.integration.command import ONE_THREAD


class ForkedCommands:
    """Each command is the real `main` in a process of its own, which begins where torch is loaded."""

    def __init__(self, folder: Path) -> None:
        self.output, self.errors = folder / "output.txt", folder / "errors.txt"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.run_and_die", str(self.output)],
            cwd=Path(__file__).parents[2],
            env=ONE_THREAD,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "ready"

    def __call__(self, arguments: list[str], **how: Any) -> int:
        """Run a command until it ends by itself or as `how` has it; return its exit status.

        Both of its streams go to `output`.
        """
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"arguments": arguments, **how}) + "\n")
        self.process.stdin.flush()
        return int(self._answer())

    def give_all(self, groups: Mapping[int, Sequence[list[str]]]) -> int:
        """Give commands as groups of so many processes each; return a status other than 0 if one fails."""
        return self([], groups=groups)

    def succeed(self, arguments: list[str]) -> None:
        assert self(arguments) == 0, self.output.read_text()

    def cs336(self, *arguments: str | Path, cwd: Path, **how: Any) -> subprocess.CompletedProcess[str]:
        """Do what `command.cs336` does, without its seconds of loading torch."""
        words = [str(argument) for argument in arguments]
        status = self(words, folder=str(cwd), errors=str(self.errors), **how)
        streams = [path.read_text(encoding="utf-8") for path in (self.output, self.errors)]
        return subprocess.CompletedProcess(words, status, *streams)

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        self.process.communicate()
