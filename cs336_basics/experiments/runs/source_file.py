"""What the runs of a folder are made from, remembered beside them: runs of another source do not go there.

`source.json` has an entry for each role, such as the text to be measured on: a text in the other role is
another source, whatever its name.
"""

import hashlib
from pathlib import Path
from typing import Any

from cs336_basics.files.json_file import read_json, write_json

SOURCE_FILE = "source.json"


def is_known_source(folder: Path, source: dict[str, Any]) -> bool:
    """Say whether the runs beside `folder` come from `source`; False: from nothing yet.

    `ValueError` if they come from something else.
    """
    path = folder / SOURCE_FILE
    if not path.is_file():
        return False
    stored = read_json(path)
    if stored != source:
        raise ValueError(
            f"the runs beside {folder} have data of their own ({in_words(stored)}) but other data "
            f"({in_words(source)}) is given; choose another --output, or the same --data"
        )
    return True


def remember_source(folder: Path, source: dict[str, Any]) -> None:
    """Let the runs beside `folder` be those of `source`, which has been checked: no other will do then.

    `ValueError` if they come from something else already.
    """
    if not is_known_source(folder, source):
        write_json(folder / SOURCE_FILE, source)


def describe_file(path: Path) -> dict[str, int | str]:
    """Return size in bytes and SHA-256."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def describe_named_file(path: Path) -> dict[str, int | str]:
    """Return the same with the name, by which a report calls the file."""
    return {"name": path.name, **describe_file(path)}


def in_words(source: dict[str, Any]) -> str:
    """Return for example "text: my.txt, SHA-256 1f3a5b7c"; also of what an earlier version has written."""
    return "; ".join(f"{role}: {part_in_words(part)}" for role, part in source.items())


def part_in_words(part: Any) -> str:
    """Return what is said of one role."""
    if not isinstance(part, dict):
        return str(part)
    digest = f"SHA-256 {str(part.get('sha256'))[:8]}"
    return f"{part['name']}, {digest}" if "name" in part else digest
