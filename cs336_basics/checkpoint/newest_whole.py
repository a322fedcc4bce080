"""From which checkpoint to go on: the one that `latest` names, or the newest good one if that is damaged."""

import warnings
from pathlib import Path

from cs336_basics.checkpoint.checksums import DamagedCheckpointError
from cs336_basics.checkpoint.pointers import (
    BEST,
    LATEST,
    checkpoint_folders,
    pointed_folder,
    read_pointer,
    write_pointer,
)
from cs336_basics.checkpoint.retention import set_aside
from cs336_basics.checkpoint.run_checkpoint import check_run_checkpoint


class DamagedCheckpointWarning(UserWarning):
    """A checkpoint is damaged and another one is used."""


def newest_whole_checkpoint(checkpoints: Path, *, warns: bool = True) -> Path | None:
    """Return the checkpoint to go on from, or None where none was written yet.

    That is the one that `latest` names. If it is damaged, a `DamagedCheckpointWarning` says so by name and
    the newest good one is returned; if all of them are, a `ValueError` names each. Of several processes one
    `warns`.
    """
    damages: list[str] = []
    named = _latest_if_whole(checkpoints, damages)
    if named is not None:
        return named
    for folder in reversed(checkpoint_folders(checkpoints)):
        if _is_whole(folder, damages):
            for damage in damages if warns else ():
                warnings.warn(f"{damage}; {folder.name} is used", DamagedCheckpointWarning, stacklevel=2)
            return folder
    if damages:
        raise ValueError(f"{'; '.join(damages)}; restore one of them, or start another run")
    return None


def set_aside_damaged(checkpoints: Path, *, used: Path) -> None:
    """Take away the names of damaged checkpoints: only whole ones count among those that are kept.

    Those before the one that is `used`, which `newest_whole_checkpoint` has not looked at, are named in a
    `DamagedCheckpointWarning`.
    """
    folders = checkpoint_folders(checkpoints)
    not_looked_at = folders[: folders.index(used)]
    for folder in folders:
        damages: list[str] = []
        if folder == used or _is_whole(folder, damages):  # that one has been read already
            continue
        set_aside(folder)
        if folder in not_looked_at:
            warnings.warn(f"{damages[0]}; it is removed", DamagedCheckpointWarning, stacklevel=2)


def mend_pointers(checkpoints: Path, *, latest: Path, best: Path | None) -> None:
    """Let `latest` and `best` say from where a run goes on and which was the best until there.

    They can say something else when a run was killed between two of its writes, or the newest is damaged.
    What is damaged must be set aside before: a folder that is there counts as whole.
    """
    for pointer, folder in ((LATEST, latest), (BEST, best)):
        if folder is None or not folder.is_dir():
            (checkpoints / pointer).unlink(missing_ok=True)
        elif pointed_folder(checkpoints, pointer) != folder:
            write_pointer(checkpoints, pointer, folder)


def _latest_if_whole(checkpoints: Path, damages: list[str]) -> Path | None:
    """Return the folder that `latest` names, or None; what is wrong with it is added to `damages`."""
    try:
        folder = read_pointer(checkpoints, LATEST)
    except ValueError as error:
        damages.append(str(error))
        return None
    return folder if folder is not None and _is_whole(folder, damages) else None


def _is_whole(folder: Path, damages: list[str]) -> bool:
    try:
        check_run_checkpoint(folder)
    except DamagedCheckpointError as error:
        if str(error) not in damages:
            damages.append(str(error))
        return False
    return True
