"""Whether a file is the one that was meant, and whether there is room for it."""

import hashlib
import shutil
from pathlib import Path

from cs336_basics.datasets.catalogue import RemoteFile
from cs336_basics.datasets.errors import DownloadError


def check_file(path: Path, expected: RemoteFile) -> None:
    """Raise `DownloadError` unless size and SHA-256 of the file are those that are known."""
    check_size(path.stat().st_size, expected, source=path)
    if expected.sha256 is None:
        return
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected.sha256:
        raise DownloadError(
            f"{expected.name} must have the SHA-256 {expected.sha256} but {path} has {found}; remove it if "
            "it is still there, and try again"
        )


def check_size(num_bytes: int, expected: RemoteFile, *, source: object) -> None:
    """Raise `DownloadError` unless the size is the known one; where none is known, any but 0 will do."""
    if num_bytes == 0:
        raise DownloadError(f"{expected.name} must hold a text but {source} has no bytes; get it anew")
    if expected.num_bytes is not None and num_bytes != expected.num_bytes:
        raise DownloadError(
            f"{expected.name} must have {expected.num_bytes:,} bytes but {source} has {num_bytes:,}; it is "
            "another file, or not all of it"
        )


def check_room(folder: Path, num_bytes: int) -> None:
    """Raise `DownloadError` unless the disk has that many bytes left."""
    free = shutil.disk_usage(folder).free
    if num_bytes > free:
        raise DownloadError(
            f"{num_bytes:,} more bytes must fit into {folder} but its disk has {free:,} left; make room "
            "there, or choose another folder"
        )
