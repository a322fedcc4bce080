"""The folder of a run: where everything lies, and to which configuration it belongs.

config.json    what was chosen, with the data and the machine
tokenizer/     vocab.json, merges.txt
metrics.jsonl  a line for each step
loss.png       the same as a picture
checkpoints/   see `cs336_basics.checkpoint.run_checkpoint`
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cs336_basics.files.atomic import replace_file


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

    def create(self) -> None:
        """Make the folder if it is missing; one that cannot be written raises `OSError` with what to do."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with replace_file(self.path / ".writable"):
                pass
            (self.path / ".writable").unlink()
        except OSError as error:
            raise OSError(
                f"the run folder must be writable but {self.path} is not ({error.strerror}); choose another"
            ) from None

    def read_config(self) -> dict[str, Any]:
        """Return what `claim` stored; `FileNotFoundError` where there is no run."""
        if not self.config.is_file():
            raise FileNotFoundError(
                f"expected a run but {self.path} has no {self.config.name}; train one first"
            )
        return json.loads(self.config.read_text(encoding="utf-8"))

    def claim(self, content: dict[str, Any], *, compared: tuple[str, ...]) -> None:
        """Store the configuration; in a folder that has one, the entries named in `compared` must be equal.

        A `ValueError` lists the fields that differ.
        """
        if self.config.is_file():
            stored = self.read_config()
            differing = [
                difference
                for name in compared
                for difference in differences(stored[name], content[name], name)
            ]
            if differing:
                raise ValueError(
                    f"the run at {self.path} belongs to another configuration ({'; '.join(differing)}); "
                    "choose another run folder, or the settings it was started with"
                )
            return
        with replace_file(self.config, "w") as file:
            json.dump(content, file, indent=2)
            file.write("\n")


def differences(stored: Any, given: Any, name: str) -> list[str]:
    """Return a line for each field of nested dictionaries that is not the same on both sides."""
    if isinstance(stored, dict) and isinstance(given, dict):
        keys = [*stored, *(key for key in given if key not in stored)]
        return [
            line for key in keys for line in differences(stored.get(key), given.get(key), f"{name}.{key}")
        ]
    return [] if stored == given else [f"{name}: {stored} there, {given} given"]
