"""Names that stay inside a folder: what a file says must not lead anywhere else."""

from pathlib import Path


def entry_inside(folder: Path, name: str) -> Path:
    """Return `folder / name` for the plain name of an entry; anything that could lead elsewhere is refused.

    A `ValueError` says so of separators, `..`, absolute paths, drives, and of a symbolic link under the name.
    """
    return refuse_link(plain_entry(folder, name))


def plain_entry(folder: Path, name: str) -> Path:
    """Return `folder / name` for the plain name of an entry, which may be a link that its owner put there."""
    is_plain = name not in ("", ".", "..") and not any(sign in name for sign in "/\\:\0")
    if not is_plain:
        raise ValueError(f"a name inside {folder} must be plain, without a path, but is {name!r}; correct it")
    return folder / name


def refuse_link(path: Path) -> Path:
    """Return `path` unless it is a symbolic link, which could lead out of the folder that it lies in."""
    if path.is_symlink():
        raise ValueError(
            f"{path} must be what it seems but is a symbolic link to {path.readlink()}; put the folder or "
            "file itself there"
        )
    return path
