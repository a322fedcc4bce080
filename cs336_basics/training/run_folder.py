"""The folder of a run: where everything lies, and to which configuration it belongs.

config.json      what was chosen, with the data and the machine
tokenizer/       vocab.json, merges.txt, or tokenizer.json
metrics.jsonl    a line for each step
loss.png         the same as a picture
tensorboard/     the same for TensorBoard, if it was asked for
wandb/           the same for Weights & Biases, if it was asked for
divergence.json  the last steps before something was not finite
lock             held by the process that trains
checkpoints/     see `cs336_basics.checkpoint.run_checkpoint`
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from cs336_basics.checkpoint.pointers import has_checkpoint
from cs336_basics.files.atomic import make_folder
from cs336_basics.files.inside import refuse_link
from cs336_basics.files.json_file import read_json, write_json
from cs336_basics.training.differences import differences

PARTS = {"job", "model", "optimizer", "training"}  # of a configuration; no other program's has any of them


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
    def tensorboard(self) -> Path:
        """The folder of TensorBoard's event files."""
        return self.path / "tensorboard"

    @property
    def wandb(self) -> Path:
        """The folder that wandb keeps its files in."""
        return self.path / "wandb"

    @property
    def divergence(self) -> Path:
        """The report of a run that stopped because something was not finite."""
        return self.path / "divergence.json"

    @property
    def lock(self) -> Path:
        """The file by which a process keeps others out."""
        return self.path / "lock"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    def create(self, *, job: str) -> None:
        """Make the folder where it is missing, for one kind of job.

        Raises `ValueError` if a run of another job is there or a link in it leads elsewhere, and `OSError`
        if it cannot be written to. The folder itself may be a link: it is where its user wants it.
        """
        try:
            make_folder(self.path)
            with TemporaryFile(dir=self.path):  # of a name that no other process has
                pass
        except OSError as error:
            raise OSError(
                f"the run folder must be one that can be written but {self.path} is not ({error.strerror}); "
                "choose another"
            ) from None
        for folder in (self.checkpoints, self.tokenizer):
            refuse_link(folder)
        if self.config.is_file() and (stored := self.read_config().get("job")) != job:
            raise ValueError(
                f"a run folder belongs to one kind of job but {self.path} holds a run of {stored!r}, not of "
                f"{job!r}; choose another run folder"
            )

    def is_run(self) -> bool:
        """Say whether the configuration is one of ours, and not that of a model of Hugging Face."""
        return self.config.is_file() and not PARTS.isdisjoint(read_json(self.config))

    def read_config(self) -> dict[str, Any]:
        """Return what `claim` stored; `FileNotFoundError` or `ValueError` where there is no run."""
        if not self.config.is_file():
            raise FileNotFoundError(
                f"expected a run but {self.path} has no {self.config.name}; train one first"
            )
        content = read_json(self.config)
        if PARTS.isdisjoint(content):
            raise ValueError(
                f"expected a run but {self.config} is no configuration of one; if it is a model of Hugging "
                "Face, generate --model and inspect take its folder"
            )
        return content

    def read_part(self, name: str) -> dict[str, Any]:
        """Return an object in the configuration, empty where it is missing; any other value is an error."""
        part = self.read_config().get(name, {})
        if not isinstance(part, dict):
            raise ValueError(f"{self.config}: {name} must be an object but is {part!r:.80}; restore it")
        return part

    def claim(self, content: dict[str, Any], *, compared: tuple[str, ...]) -> None:
        """Store the configuration; once there is a checkpoint, the entries in `compared` must stay equal.

        A `ValueError` lists the fields that differ.
        """
        if not has_checkpoint(self.checkpoints):
            write_json(self.config, content)
            return
        stored = self.read_config()
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
