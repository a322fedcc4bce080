"""Which checkpoint is meant: folders are named by their step, and small text files name a folder.

Text files and not symbolic links, which Windows allows to few users.
"""

import re
from pathlib import Path

from cs336_basics.checkpoint.checksums import damaged
from cs336_basics.files.atomic import replace_file
from cs336_basics.files.inside import entry_inside, refuse_link

LATEST, BEST = "latest", "best"
UNVALIDATED = "-unvalidated"
FOLDER_NAME = re.compile(rf"step-(\d{{8,}})({UNVALIDATED})?", re.ASCII)


def folder_of_step(checkpoints: Path, step: int, *, unvalidated: bool = False) -> Path:
    """Return where the checkpoint of a step lies.

    One that was written because the evaluation after the step was interrupted, `unvalidated`, has a name of
    its own: it stays where it is while the validated one is written.
    """
    return checkpoints / f"step-{step:08d}{UNVALIDATED if unvalidated else ''}"


def step_of_folder(folder: Path) -> int:
    """Return the step of which a folder is the checkpoint."""
    match = FOLDER_NAME.fullmatch(folder.name)
    assert match is not None, folder
    return int(match[1])


def is_unvalidated(folder: Path) -> bool:
    """Say whether the evaluation that follows the step of a checkpoint is still to come."""
    return folder.name.endswith(UNVALIDATED)


def checkpoint_folders(checkpoints: Path) -> list[Path]:
    """Return all folders named after a step, the newest last: by step, and a validated one is the newer."""
    if not checkpoints.is_dir():
        return []
    folders = [path for path in checkpoints.iterdir() if FOLDER_NAME.fullmatch(path.name)]
    return sorted(folders, key=lambda folder: (step_of_folder(folder), not is_unvalidated(folder)))


def has_checkpoint(checkpoints: Path) -> bool:
    """Say whether a run has come as far as a checkpoint, whole or not."""
    return (checkpoints / LATEST).is_file() or bool(checkpoint_folders(checkpoints))


def read_pointer(checkpoints: Path, name: str) -> Path | None:
    """Return the folder that the file `name` names, which may not exist; None if there is no such file.

    Anything but the name of a checkpoint is a `DamagedCheckpointError`.
    """
    pointer = refuse_link(checkpoints / name)
    if not pointer.is_file():
        return None
    named = pointer.read_bytes().decode("ascii", errors="backslashreplace").strip()
    if not FOLDER_NAME.fullmatch(named):
        raise damaged(pointer, f"it holds {named[:40]!r}, which names no checkpoint")
    return entry_inside(checkpoints, named)


def pointed_folder(checkpoints: Path, name: str) -> Path | None:
    """Return what `read_pointer` does, and None too for a file that names no checkpoint."""
    try:
        return read_pointer(checkpoints, name)
    except ValueError:
        return None


def write_pointer(checkpoints: Path, name: str, folder: Path) -> None:
    """Let the file `name` name `folder`."""
    with replace_file(checkpoints / name, "w") as file:
        file.write(folder.name + "\n")
