"""`cs336 data`"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import tyro

from cs336_basics.cli.command import Command
from cs336_basics.datasets.catalogue import DATASETS, DatasetName


@dataclass(frozen=True, kw_only=True)
class Data(Command):
    """Download a data set of the course.

    Give the same command again to continue after an interruption; files that are there stay as they are.
    """

    dataset: Annotated[DatasetName, tyro.conf.Positional]
    """TinyStories, or the course's sample of OpenWebText."""
    dir: Path = Path("data")
    """Folder for the texts."""

    can_continue: ClassVar[bool] = True

    def execute(self) -> None:
        """Download, unpack, and say where the texts are."""
        from cs336_basics.datasets.fetch import fetch_files

        dataset = DATASETS[self.dataset]
        for text in fetch_files(dataset.files, self.dir, base_url=dataset.base_url, progress=True):
            print(f"{text.stat().st_size:,} bytes in {text}")
