"""`cs336 plot`"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from cs336_basics.cli.command import Command


@dataclass(frozen=True, kw_only=True)
class Plot(Command):
    """Compare runs in one picture: losses against steps, tokens and time."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Run folders; they may be of unequal length, or still going."""
    output: Path = Path("compare.png")
    """Picture to write; its name ends in .png, .svg or .pdf."""

    def execute(self) -> None:
        """Read, draw, and say where the picture is."""
        from cs336_basics.training.comparison import open_runs
        from cs336_basics.training.comparison_picture import draw_comparison

        draw_comparison(open_runs(self.runs), self.output)
        print(f"the picture is {self.output}")
