"""`cs336 train`"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import tyro

from cs336_basics.checkpoint.retention import check_keep
from cs336_basics.cli.command import Command
from cs336_basics.training.config import RunConfig
from cs336_basics.training.presets import PRESETS, PresetName


@dataclass(frozen=True, kw_only=True)
class Train(Command):
    """Train a model on token files.

    Starts from a preset; each option changes one of its values. Give the same command again to continue
    after an interruption: the run ends as if there had been none.
    """

    train_tokens: Path
    """Token file to learn from, written by `cs336 encode`."""
    validation_tokens: Path | None = None
    """Token file to measure on; None: the last 5% of the training tokens are held out."""
    tokenizer: Path | None = None
    """Folder with vocab.json and merges.txt: sets the vocabulary, and `cs336 generate` needs it."""
    run: Path
    """Folder where everything goes."""
    fork_from: Path | None = None
    """Run whose weights this one begins with, at step 0; the model must be the same."""
    keep: int = 2
    """Checkpoints to keep, besides the one with the lowest validation loss."""
    save_on_signal: bool = True
    """On SIGTERM and Ctrl-C finish the step and save; a second one ends at once."""
    preset: PresetName = "tiny"
    """Settings to start from; `--preset NAME --help` shows them as the defaults below."""
    config: Annotated[RunConfig, tyro.conf.arg(name="")] = PRESETS["tiny"]

    can_continue: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_keep(self.keep)

    def execute(self) -> None:
        """Train, or continue, until the last step or a signal."""
        from cs336_basics.training.stop_signals import stop_on_signals

        with stop_on_signals(enabled=self.save_on_signal) as stop:
            self.train(should_stop=stop)
        if stop.signal is not None:
            print(f"stopped by {stop.signal.name}; give the same command again to continue", file=sys.stderr)
            sys.exit(stop.exit_status)
        print(f"metrics, picture and checkpoints are in {self.run}")

    def train(self, should_stop: Callable[[], bool]) -> None:
        """Prepare the run and take its steps."""
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
            fork_from=self.fork_from,
        )
        print(f"training on {config.training.device} in {config.training.precision}")
        train(config, data, run, progress=True, keep=self.keep, should_stop=should_stop)
