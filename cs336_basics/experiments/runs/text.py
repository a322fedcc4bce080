"""The text of experiments: the quickstart's, or the user's own.

It lies in a folder `data` beside the runs, or where the user has it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cs336_basics.experiments.runs.source_file import (
    describe_named_file,
    is_known_source,
    remember_source,
)
from cs336_basics.files.atomic import replace_file
from cs336_basics.files.outputs import require_other_file
from cs336_basics.files.text import require_text_file
from cs336_basics.quickstart.texts_and_tokens import QuickstartFiles, prepare_text
from cs336_basics.tokenization import END_OF_TEXT
from cs336_basics.tokenization.chunking import chunk_ranges, find_cut, read_chunk
from cs336_basics.tokenization.pretokenization import GPT2_CUTS
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
    remember_source(folder, {"label": DOCUMENTATION})
    prepare_text(files, progress=progress)
    return ExperimentText(label=DOCUMENTATION, train=files.train_text, validation=files.validation_text)


def own_text(paths: tuple[Path, ...], folder: Path) -> ExperimentText:
    """Return the user's text to learn from and to be measured on; of one the last 5% are held out."""
    roles = ("text",) if len(paths) == 1 else ("train text", "validation text")
    source = {
        role: describe_named_file(require_text_file(path)) for role, path in zip(roles, paths, strict=True)
    }
    train, validation = folder / "train.txt", folder / "validation.txt"
    if not is_known_source(folder, source):
        check_texts(paths, parts=(train, validation))
    remember_source(folder, source)
    label = " and ".join(path.name for path in paths)
    if len(paths) == 2:
        return ExperimentText(label=label, train=paths[0], validation=paths[1])
    if not validation.is_file():  # it is written last
        hold_out(paths[0], train, validation)
    return ExperimentText(label=label, train=train, validation=validation)


def check_texts(paths: tuple[Path, ...], *, parts: tuple[Path, Path]) -> None:
    """Raise `ValueError` for texts that could not be used, before they keep others out of the folder."""
    for path in paths:
        for start, end in chunk_ranges(path, [], chunk_bytes=BLOCK_BYTES):
            read_chunk(path, start, end)
    if len(paths) == 1:
        place_to_cut(paths[0])
        for part in parts:
            require_other_file(part, paths[0])


def place_to_cut(text: Path) -> int:
    """Return where both parts together have the same pre-tokens as the whole text, near 5% before its end."""
    size = text.stat().st_size
    with open(text, "rb") as file:
        cut = find_cut(file, round(size * (1 - HELD_OUT_SHARE)), [END_OF_TEXT.encode()], GPT2_CUTS)
    if not 0 < cut < size:
        raise ValueError(
            f"a text needs a place to hold out its end but {text} has none; give a longer one, or a "
            "second text to measure on"
        )
    return cut


def hold_out(text: Path, train: Path, validation: Path) -> None:
    """Copy a text in two parts."""
    size, cut = text.stat().st_size, place_to_cut(text)
    with open(text, "rb") as file:
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
