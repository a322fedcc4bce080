"""`cs336 train`"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import tyro

from cs336_basics.cli.command import Command
from cs336_basics.training.config import RunConfig
from cs336_basics.training.presets import PRESETS, PresetName


@dataclass(frozen=True, kw_only=True)
class Train(Command):
    """Train a model on token files.

    Starts from a preset; each option changes one of its values. Give the same command again to continue
    after an interruption.
    """

    train_tokens: Path
    """Token file to learn from, written by `cs336 encode`."""
    validation_tokens: Path | None = None
    """Token file to measure on; None: the last 5% of the training tokens are held out."""
    tokenizer: Path | None = None
    """Folder with vocab.json and merges.txt: sets the vocabulary, and `cs336 generate` needs it."""
    run: Path
    """Folder where everything goes."""
    preset: PresetName = "tiny"
    """Settings to start from; `--preset NAME --help` shows them as the defaults below."""
    config: Annotated[RunConfig, tyro.conf.arg(name="")] = PRESETS["tiny"]

    can_continue: ClassVar[bool] = True

    def execute(self) -> None:
        """Train, or continue."""
        from cs336_basics.training.loop import train
        from cs336_basics.training.run_folder import RunFolder
        from cs336_basics.training.start import prepare_run

        run = RunFolder(self.run)
        config, data = prepare_run(
            self.config,
            run,
            job="train",
            train_tokens=self.train_tokens,
            validation_tokens=self.validation_tokens,
            tokenizer=self.tokenizer,
        )
        print(f"training on {config.training.device} in {config.training.precision}")
        train(config, data, run, progress=True)
        print(f"metrics, picture and checkpoints are in {run.path}")
