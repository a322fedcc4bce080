"""`cs336 inspect`"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from cs336_basics.cli.command import Command
from cs336_basics.cli.tokens import read_standard_input
from cs336_basics.training.config import Device


@dataclass(frozen=True, kw_only=True)
class Inspect(Command):
    """Write a page to look inside a forward pass: losses, predictions, attention, residual stream."""

    folder: Annotated[Path, tyro.conf.Positional]
    """Run folder, or the folder of a Llama as Hugging Face stores it."""
    text: Annotated[str, tyro.conf.Positional]
    """Text to look at; -: read it from the standard input; empty: the beginning of a document."""
    output: Path | None = None
    """HTML file to write; None: inspect.html in the run folder, or for a Llama in the current one."""
    device: Device = "auto"
    """Where to compute."""

    def execute(self) -> None:
        """Write the page and say where it is."""
        from cs336_basics.inspection.inspection import inspect_text

        text = read_standard_input() if self.text == "-" else self.text
        path = inspect_text(self.folder, text, self.output, device=self.device)
        print(f"{path} ({path.stat().st_size / 1e6:.1f} MB); open it in a browser")
