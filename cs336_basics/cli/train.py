"""`cs336 train`"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import tyro

from cs336_basics.accounting.engines import ParallelForm
from cs336_basics.checkpoint.retention import check_keep
from cs336_basics.cli.command import Command
from cs336_basics.cli.stopping import exit_if_stopped, say_that_it_stops
from cs336_basics.training.config import RunConfig
from cs336_basics.training.presets import PRESETS, PresetName

if TYPE_CHECKING:
    from cs336_basics.training.processes import Processes


@dataclass(frozen=True, kw_only=True)
class Train(Command):
    """Train a model on token files.

    Starts from a preset; each option changes one of its values. Give the same command again to continue
    after an interruption: the run ends as if there had been none.
    """

    train_tokens: tuple[Path, ...]
    """Token files to learn from, written by `cs336 encode`."""
    mixture_weights: tuple[float, ...] | None = None
    """How often a window comes from each of several files; None: as if all were one."""
    validation_tokens: Path | None = None
    """Token file to measure on; None: the last 5% of the training tokens are held out."""
    tokenizer: Path | None = None
    """Folder of a tokenizer (see `cs336 tokens`): sets the vocabulary, and `cs336 generate` needs it."""
    run: Annotated[Path, tyro.conf.arg(aliases=("--run-folder",))]
    """Folder where everything goes; under torchrun, which takes --run for its own --run-path, write
    --run-folder."""
    fork_from: Path | None = None
    """Run whose weights this one begins with, at step 0; the model must be the same."""
    keep: int = 2
    """Checkpoints to keep, besides the one with the lowest validation loss."""
    save_on_signal: bool = True
    """On SIGTERM and Ctrl-C finish the step and save; a second one ends at once."""
    parallel: ParallelForm | None = None
    """How the processes that torchrun starts share the work: ddp (None too), each has the whole model; fsdp,
    each has a part of every weight."""
    tensorboard: bool = False
    """Log for TensorBoard too, in the folder tensorboard of the run; needs the extra of this name."""
    wandb: bool = False
    """Log to Weights & Biases too, with WANDB_MODE=offline in the run; needs the extra of this name."""
    preset: PresetName = "tiny"
    """Settings to start from; `--preset NAME --help` shows them as the defaults below."""
    config: Annotated[RunConfig, tyro.conf.arg(name="")] = PRESETS["tiny"]

    can_continue: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_keep(self.keep)

    def execute(self) -> None:
        """Train, or continue, until the last step or a signal."""
        from cs336_basics.training.parallel.torchrun import is_started_by_torchrun
        from cs336_basics.training.stop_signals import StopRequest

        several = is_started_by_torchrun()
        say = None if several else say_that_it_stops
        stop = StopRequest(enabled=self.save_on_signal, one_of_several=several, on_signal=say)
        with stop:
            self.require_vocab_size_of_tokenizer()
            from cs336_basics.training.parallel.join import processes_of_torchrun

            with processes_of_torchrun(self.parallel) as processes:
                self.train(processes, should_stop=stop)
                stop.adopt(processes.largest(stop.number))
        exit_if_stopped(stop, says=processes.is_first)
        if processes.is_first:
            print(f"metrics, picture and checkpoints are in {self.run}")

    def require_vocab_size_of_tokenizer(self) -> None:
        """Raise `ValueError` if another vocabulary than the tokenizer's is asked for.

        The preset's own size cannot be told from none that was asked for.
        """
        from cs336_basics.tokenization import Tokenizer

        asked = self.config.model.vocab_size
        if self.tokenizer is None or asked == PRESETS[self.preset].model.vocab_size:
            return
        found = Tokenizer.from_folder(self.tokenizer).vocab_size
        if asked != found:
            raise ValueError(
                f"--vocab-size is that of the tokenizer, {found}, but {asked} is given; leave it out"
            )

    def train(self, processes: "Processes", should_stop: Callable[[], bool]) -> None:
        """Prepare the run and take its steps."""
        from cs336_basics.training.loop import train
        from cs336_basics.training.memory import describe_memory, warn_of_too_little_memory
        from cs336_basics.training.run_folder import RunFolder
        from cs336_basics.training.start import prepare_run_together
        from cs336_basics.training.token_data import TokenPaths
        from cs336_basics.training.tracking.choice import chosen_trackers

        trackers = chosen_trackers(tensorboard=self.tensorboard, wandb=self.wandb)
        run = RunFolder(self.run)
        tokens = TokenPaths(
            train=self.train_tokens, weights=self.mixture_weights, validation=self.validation_tokens
        )
        config, data = prepare_run_together(
            processes,
            self.config,
            run,
            job="train",
            tokens=tokens,
            tokenizer=self.tokenizer,
            fork_from=self.fork_from,
        )
        processes.check(config)
        if processes.is_first:
            print(f"training on {config.training.device} in {config.training.precision}")
            print(describe_memory(config, processes))
            warn_of_too_little_memory(config, processes)
        train(
            config,
            data,
            run,
            progress=True,
            keep=self.keep,
            should_stop=should_stop,
            processes=processes,
            trackers=trackers,
        )
