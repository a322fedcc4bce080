"""JSON objects on the disk: written whole or not at all, and read with errors that name the file."""

import json
from pathlib import Path
from typing import Any

from cs336_basics.files.atomic import replace_file


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write an object, indented for people to read."""
    with replace_file(path, "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read an object; anything else is a `ValueError` that names the file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} must be a JSON file but is none ({error}); restore or remove it") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object but holds {type(content).__name__}; restore it")
    return content


def object_without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object for `json.loads(object_pairs_hook=...)`, which would keep the last of equal keys.

    A key that is there twice is a `ValueError` that says so in a clause.
    """
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"has {key!r:.80} twice in one object")
        found[key] = value
    return found
