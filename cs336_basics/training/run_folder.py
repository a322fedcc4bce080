"""The folder of a run: where everything lies, and to which configuration it belongs.

config.json    what was chosen, with the data and the machine
tokenizer/     vocab.json, merges.txt
metrics.jsonl  a line for each step
loss.png       the same as a picture
checkpoints/   see `cs336_basics.checkpoint.run_checkpoint`
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cs336_basics.checkpoint.run_checkpoint import LATEST
from cs336_basics.files.atomic import replace_file
from cs336_basics.files.json_file import read_json, write_json


@dataclass(frozen=True)
class RunFolder:
    """Names the files of the run at `path`."""

    path: Path

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.path / "config.json"

    @property
    def tokenizer(self) -> Path:
        """The folder of the tokenizer's two files."""
        return self.path / "tokenizer"

    @property
    def metrics(self) -> Path:
        """A JSON object a line, one for each step."""
        return self.path / "metrics.jsonl"

    @property
    def picture(self) -> Path:
        """The loss curves."""
        return self.path / "loss.png"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    def create(self, *, job: str) -> None:
        """Make the folder where it is missing, for one kind of job.

        Raises `ValueError` if a run of another job is there, and `OSError` if it cannot be written to.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with replace_file(self.path / "writable"):
                pass
            (self.path / "writable").unlink()
        except OSError as error:
            raise OSError(
                f"the run folder must be writable but {self.path} is not ({error.strerror}); choose another"
            ) from None
        if self.config.is_file() and (stored := self.read_config().get("job")) != job:
            raise ValueError(
                f"a run folder belongs to one kind of job but {self.path} holds a run of {stored!r}, not of "
                f"{job!r}; choose another run folder"
            )

    def read_config(self) -> dict[str, Any]:
        """Return what `claim` stored; `FileNotFoundError` where there is no run."""
        if not self.config.is_file():
            raise FileNotFoundError(
                f"expected a run but {self.path} has no {self.config.name}; train one first"
            )
        return read_json(self.config)

    def claim(
        self,
        content: dict[str, Any],
        *,
        compared: tuple[str, ...],
        complete: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> None:
        """Store the configuration; once there is a checkpoint, the entries in `compared` must stay equal.

        `complete` adds to what was stored the fields that did not exist then. A `ValueError` lists the
        fields that differ.
        """
        if not (self.checkpoints / LATEST).is_file():
            write_json(self.config, content)
            return
        stored = complete(self.read_config())
        differing = [
            difference
            for name in compared
            for difference in differences(stored.get(name), content.get(name), name)
        ]
        if differing:
            raise ValueError(
                f"the run at {self.path} belongs to another configuration ({'; '.join(differing)}); "
                "choose another run folder, or the settings it was started with"
            )


def differences(stored: Any, given: Any, name: str) -> list[str]:
    """Return a line for each field of nested dictionaries that is not the same on both sides."""
    if isinstance(stored, dict) and isinstance(given, dict):
        keys = [*stored, *(key for key in given if key not in stored)]
        return [
            line for key in keys for line in differences(stored.get(key), given.get(key), f"{name}.{key}")
        ]
    return [] if stored == given else [f"{name}: {stored} there, {given} given"]
