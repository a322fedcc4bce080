"""`cs336 tokens`"""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from cs336_basics.cli.command import Command


@dataclass(frozen=True, kw_only=True)
class Tokens(Command):
    """Show what a tokenizer makes of a text: its pre-tokens, their tokens and the ids."""

    text: Annotated[str, tyro.conf.Positional]
    """Text to show; -: read it from the standard input."""
    tokenizer: Path
    """Folder with tokenizer.json, or with vocab.json and merges.txt."""

    def execute(self) -> None:
        """Print the tokens, in colors on a terminal, and count them."""
        from cs336_basics.tokenization import Tokenizer
        from cs336_basics.tokenization.display.layout import display_pieces
        from cs336_basics.tokenization.display.token_pieces import pieces_of, summary

        tokenizer = Tokenizer.from_folder(self.tokenizer)
        pieces = pieces_of(tokenizer, read_standard_input() if self.text == "-" else self.text)
        if pieces:
            width = shutil.get_terminal_size().columns
            print(display_pieces(pieces, tokenizer.vocab, width=width, in_color=wants_color()), end="\n\n")
        print(summary(pieces))


def read_standard_input() -> str:
    """Read all of it as the library reads text files: UTF-8 only, line ends as they are."""
    from cs336_basics.files.text import decode_utf8

    if sys.stdin is None:
        raise ValueError("- reads the standard input but that is closed; give a text, or a file with <")
    return decode_utf8(sys.stdin.buffer.read(), path="the standard input")


def wants_color() -> bool:
    """Say whether the output is a terminal whose user has not set NO_COLOR (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
