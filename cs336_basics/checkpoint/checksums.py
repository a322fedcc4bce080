"""Say whether a folder still holds what was written into it: a SHA-256 of each file, in a file beside them.

The format is that of `sha256sum`, so `sha256sum --check checksums.sha256` says the same.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from cs336_basics.files.atomic import replace_file
from cs336_basics.files.inside import entry_inside, refuse_link

CHECKSUMS = "checksums.sha256"


class DamagedCheckpointError(ValueError):
    """A folder does not hold what was written into it; the message names the file."""


def write_checksums(folder: Path, names: Iterable[str]) -> None:
    """Write the sums of the files that have these names in `folder`: what they hold now counts as whole."""
    sums = {name: _sum_of_file(folder / name) for name in names}
    with replace_file(folder / CHECKSUMS) as file:
        file.write(_lines(sums))


def check_whole(folder: Path, names: Iterable[str]) -> None:
    """Raise `DamagedCheckpointError` unless each of `names` is there and each byte is as it was written."""
    try:
        stored = _file_inside(refuse_link(folder), CHECKSUMS).read_bytes()
        sums = {name: _sum_of_file(_file_inside(folder, name)) for name in names}
    except FileNotFoundError as error:
        raise damaged(Path(error.filename), "it is missing") from None
    except (OSError, ValueError) as error:
        raise damaged(folder, str(error)) from None
    if stored == _lines(sums):
        return
    differing = [name for name, found in sums.items() if _lines({name: found}) not in stored]
    if len(differing) == 1:
        raise damaged(folder / differing[0], f"its content is not that of {CHECKSUMS}")
    raise damaged(folder / CHECKSUMS, f"it does not agree with {', '.join(differing) or 'what was written'}")


def damaged(path: Path, reason: str) -> DamagedCheckpointError:
    """Return the error for a damaged file of a checkpoint."""
    return DamagedCheckpointError(f"a checkpoint must be whole but {path} is missing or damaged ({reason})")


def _file_inside(folder: Path, name: str) -> Path:
    """Refuse what is there but no file: who reads a pipe may wait forever."""
    path = entry_inside(folder, name)
    if path.exists() and not path.is_file():
        raise ValueError(f"{name} is no file")
    return path


def _sum_of_file(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lines(sums: Mapping[str, str]) -> bytes:
    return "".join(f"{sum}  {name}\n" for name, sum in sums.items()).encode()
