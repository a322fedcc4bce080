"""The text of experiments: the quickstart's, or the user's own, and whether it is still the same.

It lies in a folder `data` beside the runs, or where the user has it.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cs336_basics.files.atomic import replace_file
from cs336_basics.files.json_file import read_json, write_json
from cs336_basics.files.text import require_text_file
from cs336_basics.quickstart.texts_and_tokens import QuickstartFiles, prepare_text
from cs336_basics.tokenization import END_OF_TEXT
from cs336_basics.tokenization.chunking import GPT2_CUTS, find_cut
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.token_data import HELD_OUT_SHARE

DOCUMENTATION = "the documentation of Python, torch and numpy"
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class ExperimentText:
    """A text to learn from and one to be measured on."""

    label: str
    """What a report calls it."""
    train: Path
    validation: Path


def documentation_text(folder: Path, *, progress: bool) -> ExperimentText:
    """Return the quickstart's text, written to `folder` where it is not there yet."""
    files = QuickstartFiles(RunFolder(folder))
    require_same_source(folder, {"label": DOCUMENTATION})
    prepare_text(files, progress=progress)
    return ExperimentText(label=DOCUMENTATION, train=files.train_text, validation=files.validation_text)


def own_text(paths: tuple[Path, ...], folder: Path) -> ExperimentText:
    """Return the user's text to learn from and to be measured on; of one the last 5% are held out."""
    require_same_source(folder, {path.name: describe_file(require_text_file(path)) for path in paths})
    label = " and ".join(path.name for path in paths)
    if len(paths) == 2:
        return ExperimentText(label=label, train=paths[0], validation=paths[1])
    train, validation = folder / "train.txt", folder / "validation.txt"
    if not validation.is_file():  # it is written last
        hold_out(paths[0], train, validation)
    return ExperimentText(label=label, train=train, validation=validation)


def hold_out(text: Path, train: Path, validation: Path) -> None:
    """Copy a text in two parts, cut where both together have the same pre-tokens as the whole."""
    size = text.stat().st_size
    with open(text, "rb") as file:
        cut = find_cut(file, round(size * (1 - HELD_OUT_SHARE)), [END_OF_TEXT.encode()], GPT2_CUTS)
        if not 0 < cut < size:
            raise ValueError(
                f"a text needs a place to hold out its end but {text} has none; give a longer one, or a "
                "second text to measure on"
            )
        for path, start, end in ((train, 0, cut), (validation, cut, size)):
            file.seek(start)
            with replace_file(path) as part:
                copy_bytes(file, part, end - start)


def copy_bytes(source: IO[bytes], destination: IO[bytes], count: int) -> None:
    """Copy `count` bytes, a block at a time."""
    while count > 0:
        block = source.read(min(count, BLOCK_BYTES))
        destination.write(block)
        count -= len(block)


def require_same_source(folder: Path, source: dict[str, Any]) -> None:
    """Remember what the files in `folder` come from; `ValueError` if they come from something else."""
    path = folder / "source.json"
    if path.is_file() and (stored := read_json(path)) != source:
        raise ValueError(
            f"the runs beside {folder} have a text of their own ({', '.join(stored)}) but another one "
            f"({', '.join(source)}) is given; choose another --output, or the same --data"
        )
    write_json(path, source)


def describe_file(path: Path) -> dict[str, int | str]:
    """Return size in bytes and SHA-256."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}
