"""The paths of a run's token files in its configuration: relative inside the run, which may be moved."""

from pathlib import Path
from typing import Any

from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.token_data import TokenPaths
from cs336_basics.training.typed_values import converted


def stored_paths(run: RunFolder, tokens: TokenPaths) -> dict[str, Any]:
    """Return what `config.json` keeps of the paths."""
    return {
        "train_tokens": [_stored(run, path) for path in tokens.train],
        "validation_tokens": None if tokens.validation is None else _stored(run, tokens.validation),
    }


def paths_of(run: RunFolder) -> TokenPaths:
    """Return the paths that a run was started with; its weights are in the fingerprint of its data.

    Where they are damaged or missing, a `ValueError` names the file.
    """
    stored, place = run.read_part("paths"), f"{run.config}: paths"
    train = converted(stored.get("train_tokens"), tuple[str, ...], f"{place}.train_tokens")
    validation = converted(stored.get("validation_tokens"), str | None, f"{place}.validation_tokens")
    return TokenPaths(
        train=tuple(run.path / path for path in train),
        validation=None if validation is None else run.path / validation,
    )


def _stored(run: RunFolder, path: Path) -> str:
    absolute, folder = path.resolve(), run.path.resolve()
    return absolute.relative_to(folder).as_posix() if absolute.is_relative_to(folder) else str(absolute)
