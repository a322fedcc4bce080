"""`cs336 generate`"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from cs336_basics.cli.command import Command
from cs336_basics.cli.model_source import ModelSource, WeightType
from cs336_basics.generation.overflow import Overflow
from cs336_basics.training.config import Device

if TYPE_CHECKING:
    from cs336_basics.nn.transformer_lm import TransformerLM
    from cs336_basics.tokenization import Tokenizer

BETWEEN_SAMPLES = "\n------\n"


@dataclass(frozen=True, kw_only=True)
class Generate(Command):
    """Let a trained model continue a text: a run's, or with --model one from Hugging Face."""

    run: Annotated[Path | None, tyro.conf.Positional] = None
    """Run folder; None: the model of --model."""
    model: Path | None = None
    """Folder of a Llama as Hugging Face stores it, in place of a run."""
    prompt: str = ""
    """Text to continue, best without a space at its end; empty: begin a new document."""
    prompt_ids: tuple[int, ...] = ()
    """Token ids to continue in place of a text; no tokenizer is read, and ids are printed."""
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
    dtype: WeightType = "fp32"
    """Type of the weights; bf16 takes half the memory."""
    compile: bool = False
    """Compile parts of the model first, where there is a compiler; for long texts on a GPU."""

    def execute(self) -> None:
        """Print each continuation after its prompt, a single one while it is written."""
        from cs336_basics.training.compilation import compile_for_generation

        source = self.checked_source()
        tokenizer = None if self.prompt_ids else source.open_tokenizer()
        model = source.open_model(device=self.device, dtype=self.dtype)
        if self.compile:
            compile_for_generation(model)
        settings = {**self.settings(), "stop_token_id": source.stop_token_ids()}
        if tokenizer is None:
            self.continue_ids(model, settings)
        else:
            self.continue_text(model, tokenizer, settings)

    def checked_source(self) -> ModelSource:
        """Return where the model is, if the options go together."""
        if self.interactive and (self.prompt or self.prompt_ids or self.num_samples != 1):
            raise ValueError(
                "--interactive asks for the prompts; leave out --prompt, --prompt-ids and --num-samples"
            )
        if self.num_samples < 1:
            raise ValueError(f"--num-samples must be at least 1 but is {self.num_samples}")
        if self.prompt and self.prompt_ids:
            raise ValueError("a prompt is text or ids but both are given; leave out --prompt or --prompt-ids")
        return ModelSource(self.run, self.model)

    def settings(self) -> dict[str, Any]:
        """Return the options that `generation` takes."""
        names = ("max_new_tokens", "temperature", "top_p", "overflow")
        return {name: getattr(self, name) for name in names}

    def continue_text(self, model: "TransformerLM", tokenizer: "Tokenizer", settings: dict[str, Any]) -> None:
        """Print text after text."""
        from cs336_basics.generation.text import complete_texts, seeded_generator, stream_text

        if self.num_samples != 1:
            prompts = [self.prompt] * self.num_samples
            continuations = complete_texts(model, tokenizer, prompts, seed=self.seed, **settings)
            print(BETWEEN_SAMPLES.join(self.prompt + continuation for continuation in continuations))
            return
        generator = seeded_generator(model, self.seed)
        pieces_of = partial(stream_text, model, tokenizer, generator=generator, **settings)
        if self.interactive:
            converse(pieces_of)
        else:
            print_pieces(self.prompt, pieces_of(self.prompt))

    def continue_ids(self, model: "TransformerLM", settings: dict[str, Any]) -> None:
        """Print ids after ids."""
        from cs336_basics.generation.decoding import generate, stream_tokens
        from cs336_basics.generation.text import seeded_generator

        generator = seeded_generator(model, self.seed)
        if self.num_samples == 1:
            new_ids = stream_tokens(model, self.prompt_ids, generator=generator, **settings)
            print_pieces(" ".join(map(str, self.prompt_ids)), (f" {id}" for id in new_ids))
            return
        prompts = [self.prompt_ids] * self.num_samples
        continuations = generate(model, prompts, generator=generator, **settings)
        texts = [" ".join(map(str, [*self.prompt_ids, *ids])) for ids in continuations]
        print(BETWEEN_SAMPLES.join(texts))


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
