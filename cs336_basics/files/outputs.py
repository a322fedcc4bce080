"""What can be known of an output before the work on it begins."""

import os
from pathlib import Path

from cs336_basics.files.new_folder import require_folders


def require_other_file(output: str | os.PathLike[str], source: str | os.PathLike[str]) -> None:
    """Raise `ValueError` if `output` is the file that is read, under whatever name: it would be lost."""
    if os.path.exists(output) and os.path.exists(source) and os.path.samefile(output, source):
        raise ValueError(
            f"an output must not be the file that is read but {output} is {source}; choose another name"
        )


def require_writable_folder(folder: Path) -> None:
    """Raise `OSError` if files cannot be written into a folder, or if it cannot be made; nothing is made."""
    places = (folder, *folder.parents)
    require_folders(places)
    existing = next((place for place in places if place.exists()), None)
    if existing is None or not os.access(existing, os.W_OK):
        raise PermissionError(
            f"an output needs a folder that can be written but {existing or folder} cannot; choose another"
        )
