"""Which checkpoints stay: the newest, and always those that `latest` and `best` name.

A folder is renamed before it is removed, so that one named after a step is always complete.
"""

import os
import shutil
from pathlib import Path

from cs336_basics.checkpoint.pointers import (
    BEST,
    LATEST,
    checkpoint_folders,
    folder_of_step,
    is_unvalidated,
    pointed_folder,
    step_of_folder,
)

UNFINISHED = ".unfinished-"


def check_keep(keep: int) -> None:
    """Raise `ValueError` unless a checkpoint is left to continue from."""
    if keep < 1:
        raise ValueError(f"keep must be at least 1, the checkpoint to continue from, but is {keep}")


def unfinished_folder(folder: Path) -> Path:
    """Return the name beside `folder` under which it is written or removed."""
    return folder.with_name(f"{UNFINISHED}{folder.name}")


def remove_unfinished(checkpoints: Path) -> None:
    """Remove what a killed run left half-written or half-removed."""
    for leftover in checkpoints.glob(f"{UNFINISHED}*"):
        remove_folder(leftover)


def remove_old(checkpoints: Path, *, keep: int, step: int) -> None:
    """Remove all but the newest `keep` checkpoints up to `step`, and `latest` and `best`.

    Later ones can be there when a run continues from an earlier one: they are replaced when it comes there.
    All must be whole, since a damaged one that counts would push out a good one. One without validation does
    not count beside the one of the same step that has it.
    """
    protected = {pointed_folder(checkpoints, LATEST), pointed_folder(checkpoints, BEST)}
    known = [folder for folder in checkpoint_folders(checkpoints) if step_of_folder(folder) <= step]
    replaced = [folder for folder in known if is_unvalidated(folder) and validated_twin(folder) in known]
    counting = [folder for folder in known if folder not in replaced]
    for folder in replaced + counting[:-keep]:
        if folder not in protected:
            set_aside(folder)
    remove_unfinished(checkpoints)


def validated_twin(folder: Path) -> Path:
    """Return where the checkpoint of the same step lies once it is validated."""
    return folder_of_step(folder.parent, step_of_folder(folder))


def set_aside(folder: Path) -> None:
    """Take away the name under which a checkpoint is found, but where its last remains cannot be removed."""
    leftover = folder.with_name(f"{UNFINISHED}removed-{folder.name}")
    remove_folder(leftover)
    if not leftover.exists():
        os.replace(folder, leftover)


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it, but of a symbolic link only the link."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.is_dir():
        shutil.rmtree(folder, ignore_errors=True)  # too many are better than a run that ends
