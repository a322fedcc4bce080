"""`cs336 export`"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from cs336_basics.cli.command import Command


@dataclass(frozen=True, kw_only=True)
class Export(Command):
    """Write a trained model and its tokenizer as a folder that Hugging Face's transformers reads."""

    run: Annotated[Path, tyro.conf.Positional]
    """Run folder."""
    out_dir: Annotated[Path, tyro.conf.Positional]
    """Folder to write; it must not exist yet, or be empty."""

    def execute(self) -> None:
        """Write the folder, and say where the two tokenizers may differ."""
        from cs336_basics.export.huggingface import export_run
        from cs336_basics.training.run_folder import RunFolder

        exported = export_run(RunFolder(self.run), self.out_dir)
        print(
            f"{self.out_dir} holds the model of step {exported.step:,} and its tokenizer; texts with any of "
            f"{exported.num_differing_code_points:,} new Unicode characters may get other ids there"
        )
