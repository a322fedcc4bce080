"""`cs336 generate`"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from cs336_basics.cli.command import Command
from cs336_basics.training.config import Device


@dataclass(frozen=True, kw_only=True)
class Generate(Command):
    """Let a trained model continue a text."""

    run: Annotated[Path, tyro.conf.Positional]
    """Run folder."""
    prompt: str = ""
    """Text to continue, best without a space at its end; empty: begin a new document."""
    max_new_tokens: int = 200
    """Stop after so many tokens, if the document has not ended before."""
    temperature: float = 0.8
    """Below 1 the model sticks to likely tokens; 0 always takes the likeliest."""
    top_p: float = 0.95
    """Choose among the likeliest tokens that together have this probability."""
    num_samples: int = 1
    """Continuations to write."""
    seed: int = 0
    """Another seed gives other continuations."""
    device: Device = "auto"
    """Where to compute."""

    def execute(self) -> None:
        """Print each continuation behind its prompt."""
        from cs336_basics.generation.text import complete_texts
        from cs336_basics.training.run_folder import RunFolder
        from cs336_basics.training.trained_run import open_run_tokenizer, open_trained_run

        run = RunFolder(self.run)
        tokenizer = open_run_tokenizer(run)
        trained = open_trained_run(run, device=self.device)
        continuations = complete_texts(
            trained.model,
            tokenizer,
            [self.prompt] * self.num_samples,
            max_new_tokens=self.max_new_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            seed=self.seed,
        )
        print("\n------\n".join(self.prompt + continuation for continuation in continuations))
