"""What has been received of a file: `NAME.part`, and in `NAME.part.json` of which version it is."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

from cs336_basics.datasets.request import Version
from cs336_basics.files.atomic import flush_to_disk, open_new_file, sync_folder
from cs336_basics.files.failed_write import explain_failed_write
from cs336_basics.files.json_file import read_json, write_json


class PartialFile:
    """The beginning of the file that is to be at `destination`; it outlives the process."""

    def __init__(self, destination: Path) -> None:
        self.destination = destination
        self.path = destination.with_name(f"{destination.name}.part")
        self.version_path = destination.with_name(f"{destination.name}.part.json")

    @property
    def size(self) -> int:
        """Bytes received."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def version(self, url: str) -> Version | None:
        """Return of which version it is, or None where that does not say how to go on."""
        try:
            version = Version(**read_json(self.version_path))
        except (OSError, ValueError, TypeError):  # missing, damaged: then it begins anew
            return None
        return version if version.url == url else None

    def begin(self, version: Version) -> None:
        """Begin anew, with nothing of this version."""
        self.remove()
        write_json(self.version_path, dataclasses.asdict(version))
        open_new_file(self.path, "wb").close()

    def append(self, read: Callable[[], bytes]) -> None:
        """Write what `read` returns, again and again until that is nothing."""
        with explain_failed_write(self.path), open(self.path, "ab") as file:
            try:
                while block := read():
                    with explain_failed_write(self.path, any_reason=True):
                        file.write(block)
            finally:
                flush_to_disk(file, self.path)

    def finish(self) -> None:
        """Put the file, which is whole, at its destination."""
        with explain_failed_write(self.destination, self.path):
            os.replace(self.path, self.destination)
        self.version_path.unlink(missing_ok=True)
        sync_folder(self.destination.parent)

    def remove(self) -> None:
        """Forget what has been received."""
        self.path.unlink(missing_ok=True)
        self.version_path.unlink(missing_ok=True)
