"""`cs336 evaluate`"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from cs336_basics.cli.command import Command
from cs336_basics.training.config import Device

if TYPE_CHECKING:
    import numpy as np

    from cs336_basics.training.run_folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class Evaluate(Command):
    """Score every token of a text with a trained model: loss, perplexity, bits per byte.

    (Bits per byte need the tokenizer of the run. The first token has nothing before it: all entries of the
    vocabulary are equally likely.)
    """

    run: Annotated[Path, tyro.conf.Positional]
    """Run folder."""
    text: Path | None = None
    """UTF-8 text to score; None: the validation tokens of the run."""
    stride: int | None = None
    """Begin a window every so many tokens and score only its last ones, so that each has at least context
    length - stride tokens before it; None: the context length, so that windows do not overlap."""
    device: Device = "auto"
    """Where to compute."""

    def execute(self) -> None:
        """Score and print."""
        from cs336_basics.training.run_folder import RunFolder
        from cs336_basics.training.scoring import score_text, score_validation, validation_tokens

        run = RunFolder(self.run)
        if self.text is None:
            tokens = validation_tokens(run)
            num_bytes = self.bytes_if_known(run, tokens)
            result = score_validation(run, tokens, device=self.device, stride=self.stride)
        else:
            num_bytes = self.text.stat().st_size
            result = score_text(run, self.text, device=self.device, stride=self.stride)
        by_bytes = "" if num_bytes is None else f", {result.bits_per_byte(num_bytes):.4f} bits per byte"
        print(
            f"loss {result.loss:.4f} nats per token, perplexity {result.perplexity:.2f}, "
            f"{result.num_tokens:,} tokens{by_bytes}"
        )

    @staticmethod
    def bytes_if_known(run: "RunFolder", tokens: "np.ndarray") -> int | None:
        """Return how many bytes the validation tokens stand for; None where the tokenizer does not say."""
        from cs336_basics.training.scoring import num_bytes_of
        from cs336_basics.training.trained_run import open_run_tokenizer

        if not run.tokenizer.is_dir():
            return None
        try:
            return num_bytes_of(tokens, open_run_tokenizer(run))
        except (OSError, ValueError) as error:
            warnings.warn(f"there will be no bits per byte ({error})", stacklevel=2)
            return None
