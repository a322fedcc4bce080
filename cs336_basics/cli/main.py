"""The entry point: choose the subcommand, run it, turn its errors into one sentence."""

import argparse
import sys
from collections.abc import Sequence
from typing import Annotated

import tyro

from cs336_basics.cli.command import Command
from cs336_basics.cli.encode import Encode
from cs336_basics.cli.evaluate import Evaluate
from cs336_basics.cli.generate import Generate
from cs336_basics.cli.quickstart import Quickstart
from cs336_basics.cli.train import Train
from cs336_basics.cli.train_tokenizer import TrainTokenizer
from cs336_basics.training.presets import PRESETS

DESCRIPTION = "A Transformer language model built from scratch: tokenizer, training, evaluation, generation."
EXPECTED_ERRORS = (ValueError, IndexError, OSError, RuntimeError)  # what the library raises for its callers


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exit with 1 after an error, 130 after Ctrl-C, 2 after a misspelt option."""
    command = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        command.execute()
    except KeyboardInterrupt:
        print("interrupted; give the same command again to continue", file=sys.stderr)
        sys.exit(130)
    except EXPECTED_ERRORS as error:
        if command.debug:
            raise
        sys.exit(f"error: {error}")


def parse(arguments: Sequence[str]) -> Command:
    """Return the subcommand with its options; print help or an error and exit where that is asked for."""
    subcommands = (
        Annotated[Quickstart, tyro.conf.subcommand("quickstart")]
        | Annotated[TrainTokenizer, tyro.conf.subcommand("train-tokenizer")]
        | Annotated[Encode, tyro.conf.subcommand("encode")]
        | Annotated[Train, tyro.conf.subcommand("train", default=train_from_preset(arguments))]
        | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
        | Annotated[Generate, tyro.conf.subcommand("generate")]
    )
    return tyro.cli(
        subcommands,  # pyright: ignore[reportArgumentType]
        prog="cs336",
        description=DESCRIPTION,
        args=arguments,
        config=(tyro.conf.OmitArgPrefixes,),
    )


def train_from_preset(arguments: Sequence[str]) -> Train:
    """Return `train` with the values of the preset that `arguments` name as its defaults."""
    reader = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    reader.add_argument("--preset", default="tiny")
    preset = reader.parse_known_args(arguments)[0].preset
    if preset not in PRESETS:
        preset = "tiny"  # the error, with the names there are, comes from the real parser
    return Train(train_tokens=tyro.MISSING, run=tyro.MISSING, preset=preset, config=PRESETS[preset])
