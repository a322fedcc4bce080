"""`cs336 generate`"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import tyro

from cs336_basics.cli.command import Command
from cs336_basics.generation.overflow import Overflow
from cs336_basics.training.config import Device


@dataclass(frozen=True, kw_only=True)
class Generate(Command):
    """Let a trained model continue a text."""

    run: Annotated[Path, tyro.conf.Positional]
    """Run folder."""
    prompt: str = ""
    """Text to continue, best without a space at its end; empty: begin a new document."""
    interactive: bool = False
    """Ask for prompts, one after another, until Ctrl-D; Ctrl-C ends a continuation."""
    max_new_tokens: int = 200
    """Stop after so many tokens, if the document has not ended before."""
    temperature: float = 0.8
    """Below 1 the model sticks to likely tokens; 0 always takes the likeliest."""
    top_p: float = 0.95
    """Choose among the likeliest tokens that together have this probability."""
    overflow: Overflow = "recompute"
    """Beyond the context length: recompute the newest tokens each time, or quickly go on with half."""
    num_samples: int = 1
    """Continuations to write; several are printed when all are finished."""
    seed: int = 0
    """Another seed gives other continuations."""
    device: Device = "auto"
    """Where to compute."""
    compile: bool = False
    """Compile parts of the model first, where there is a compiler; for long texts on a GPU."""

    def execute(self) -> None:
        """Print each continuation behind its prompt, a single one while it is written."""
        from cs336_basics.generation.text import complete_texts, seeded_generator, stream_text
        from cs336_basics.training.compilation import compile_for_generation
        from cs336_basics.training.run_folder import RunFolder
        from cs336_basics.training.trained_run import open_run_tokenizer, open_trained_run

        if self.interactive and (self.prompt or self.num_samples != 1):
            raise ValueError("--interactive asks for the prompts; leave out --prompt and --num-samples")
        run = RunFolder(self.run)
        tokenizer = open_run_tokenizer(run)
        model = open_trained_run(run, device=self.device).model
        if self.compile:
            compile_for_generation(model)
        if self.num_samples != 1:
            prompts = [self.prompt] * self.num_samples
            continuations = complete_texts(model, tokenizer, prompts, seed=self.seed, **self.settings())
            print("\n------\n".join(self.prompt + continuation for continuation in continuations))
            return
        generator = seeded_generator(model, self.seed)
        pieces_of = partial(stream_text, model, tokenizer, generator=generator, **self.settings())
        if self.interactive:
            converse(pieces_of)
        else:
            print_pieces(self.prompt, pieces_of(self.prompt))

    def settings(self) -> dict[str, Any]:
        """Return the options that `generation.text` takes."""
        names = ("max_new_tokens", "temperature", "top_p", "overflow")
        return {name: getattr(self, name) for name in names}


def print_pieces(prompt: str, pieces: Iterator[str]) -> None:
    """Print each piece as soon as it is there; what was written stays on lines of its own."""
    print(prompt, end="", flush=True)
    try:
        for piece in pieces:
            print(piece, end="", flush=True)
    finally:
        print(flush=True)


def converse(pieces_of: Callable[[str], Iterator[str]]) -> None:
    """Ask for a prompt and print its continuation, again and again until the input ends.

    Ctrl-C while the model writes ends the continuation; at the prompt it ends the command, as elsewhere.
    """
    while True:
        try:
            prompt = input("> ")
        except EOFError:  # Ctrl-D
            print()
            return
        try:
            print_pieces("", pieces_of(prompt))
        except KeyboardInterrupt:
            continue
        except ValueError as error:
            print(f"error: {error}", file=sys.stderr)
