"""The entry point: choose the subcommand, run it, turn its errors into one sentence."""

import argparse
import io
import sys
import warnings
from collections.abc import Sequence
from dataclasses import fields
from importlib.metadata import version
from typing import Annotated

import tyro

from cs336_basics.accounting.presets import MODELS
from cs336_basics.cli.account import Account
from cs336_basics.cli.command import Command
from cs336_basics.cli.data import Data
from cs336_basics.cli.encode import Encode
from cs336_basics.cli.evaluate import Evaluate
from cs336_basics.cli.experiment import Experiment
from cs336_basics.cli.export import Export
from cs336_basics.cli.generate import Generate
from cs336_basics.cli.init_study import InitStudy
from cs336_basics.cli.inspect import Inspect
from cs336_basics.cli.invalid_options import (
    InvalidOptionError,
    registry_of_invalid_options,
    with_option_at_the_start,
)
from cs336_basics.cli.plot import Plot
from cs336_basics.cli.quickstart import Quickstart
from cs336_basics.cli.tokens import Tokens
from cs336_basics.cli.train import Train
from cs336_basics.cli.train_tokenizer import TrainTokenizer
from cs336_basics.cli.unread_output import quiet_end_if_unread
from cs336_basics.training.presets import PRESETS

DESCRIPTION = (
    "A Transformer language model built from scratch: tokenizer, training, evaluation, generation. "
    "`--version` says which one this is."
)
# What the library raises for its callers; ModuleNotFoundError: for a package that only an extra brings.
EXPECTED_ERRORS = (ValueError, IndexError, OSError, RuntimeError, ModuleNotFoundError)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line: choose the subcommand, let it do its work, turn its errors into a sentence.

    Exit with 1 after an error, 130 after Ctrl-C, 2 after a misspelt option, 141 where nobody reads the
    output any more.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # Windows would not print every character
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        with quiet_end_if_unread():
            command = parse(sys.argv[1:] if arguments is None else arguments)
    except (InvalidOptionError, OSError) as error:  # OSError: of --tyro-write-completion
        sys.exit(f"error: {error}")
    try:
        with quiet_end_if_unread(), warnings.catch_warnings():
            # As errors are printed: what it says, and not the line of code that it comes from.
            warnings.showwarning = lambda problem, *_: print(
                f"warning: {message_of(problem, command)}", file=sys.stderr
            )
            command.execute()
    except KeyboardInterrupt:
        hint = "; give the same command again to continue" if command.can_continue else ""
        print(f"interrupted{hint}", file=sys.stderr)
        sys.exit(130)
    except EXPECTED_ERRORS as error:
        if command.debug:
            raise
        sys.exit(f"error: {message_of(error, command)}")


def message_of(problem: Warning | Exception | str, command: Command) -> str:
    """Return what an error or a warning says, by the name of the option where it says `field must ...`."""
    return with_option_at_the_start(str(problem), {field.name for field in fields(command)})


def parse(arguments: Sequence[str]) -> Command:
    """Return the subcommand with its options; print what is asked for instead, or an error, and exit."""
    if list(arguments) == ["--version"]:
        print(f"cs336_basics {version('cs336-basics')}")
        sys.exit()
    subcommands = (
        Annotated[Quickstart, tyro.conf.subcommand("quickstart")]
        | Annotated[Data, tyro.conf.subcommand("data")]
        | Annotated[TrainTokenizer, tyro.conf.subcommand("train-tokenizer")]
        | Annotated[Tokens, tyro.conf.subcommand("tokens")]
        | Annotated[Encode, tyro.conf.subcommand("encode")]
        | Annotated[Train, tyro.conf.subcommand("train", default=train_from_preset(arguments))]
        | Annotated[Plot, tyro.conf.subcommand("plot")]
        | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
        | Annotated[Generate, tyro.conf.subcommand("generate")]
        | Annotated[Export, tyro.conf.subcommand("export")]
        | Annotated[Inspect, tyro.conf.subcommand("inspect")]
        | Annotated[Account, tyro.conf.subcommand("account", default=account_from_preset(arguments))]
        | Annotated[Experiment, tyro.conf.subcommand("experiment")]
        | Annotated[InitStudy, tyro.conf.subcommand("init-study")]
    )
    chosen = tyro.cli(
        subcommands,  # pyright: ignore[reportArgumentType]
        prog="cs336",
        description=DESCRIPTION,
        args=arguments,
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes),
        registry=registry_of_invalid_options(),
    )
    return chosen.action if isinstance(chosen, Experiment) else chosen


def train_from_preset(arguments: Sequence[str]) -> Train:
    """Return `train` with the values of the preset that `arguments` name as its defaults."""
    preset = named_preset(arguments)
    if preset not in PRESETS:
        preset = "tiny"  # or the real parser will say what is wrong with the one that was given
    return Train(train_tokens=tyro.MISSING, run=tyro.MISSING, preset=preset, config=PRESETS[preset])


def account_from_preset(arguments: Sequence[str]) -> Account:
    """Return `account` with the values of the model that `arguments` name as its defaults."""
    preset = named_preset(arguments)
    if preset not in MODELS:
        preset = "gpt2-xl"
    return Account(preset=preset, model=MODELS[preset])


def named_preset(arguments: Sequence[str]) -> str | None:
    """Return what follows `--preset`, if it is there."""
    reader = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    reader.add_argument("--preset", nargs="?")
    return reader.parse_known_args(arguments)[0].preset
