"""Write a folder whole or not at all: beside its final place, then renamed."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cs336_basics.files.atomic import make_folder, sync_folder, unfinished_path
from cs336_basics.files.failed_write import explain_failed_write


@contextmanager
def new_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a folder that gets the name `path` when the block ends, and disappears when it fails.

    Its files should be written with `replace_file` or `replace_path`, which flush them to the disk. Something
    that has the name already is a `FileExistsError`, unless it is an empty folder. A kill can leave
    `.NAME.unfinished` behind; the next try removes it.
    """
    destination = Path(path)
    beside = unfinished_path(destination)
    if os.path.lexists(destination) and not is_empty_folder(destination):
        raise FileExistsError(
            f"a folder to be written must not exist yet, or be empty, but {destination} is there; choose "
            "another or remove it"
        )
    try:
        with explain_failed_write(destination, beside, *destination.parents):
            require_folders(destination.parents)
            make_folder(destination.parent)
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir()
        yield beside
        with explain_failed_write(destination, beside):
            if is_empty_folder(destination):
                destination.rmdir()
            os.replace(beside, destination)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)  # what failed first is what must be told
        raise
    sync_folder(destination.parent)


def require_folders(paths: Iterable[Path]) -> None:
    """Raise `NotADirectoryError` where something else than a folder has one of the names."""
    for path in paths:
        if path.exists() and not path.is_dir():
            raise NotADirectoryError(
                f"a folder to be written must lie in folders but {path} is none; choose another place"
            )


def is_empty_folder(path: Path) -> bool:
    """Say whether a folder, and no link to one, is there with nothing in it."""
    return path.is_dir() and not path.is_symlink() and not any(path.iterdir())
