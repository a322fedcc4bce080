"""The paths of a run's token files in its configuration: relative inside the run, which may be moved."""

from pathlib import Path
from typing import Any

from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.token_data import TokenPaths


def stored_paths(run: RunFolder, tokens: TokenPaths) -> dict[str, Any]:
    """Return what `config.json` keeps of the paths."""
    return {
        "train_tokens": [_stored(run, path) for path in tokens.train],
        "validation_tokens": None if tokens.validation is None else _stored(run, tokens.validation),
    }


def paths_of(run: RunFolder) -> TokenPaths:
    """Return the paths that a run was started with; its weights are in the fingerprint of its data."""
    stored = run.read_config()["paths"]
    validation = stored["validation_tokens"]
    return TokenPaths(
        train=tuple(run.path / path for path in stored["train_tokens"]),
        validation=None if validation is None else run.path / validation,
    )


def _stored(run: RunFolder, path: Path) -> str:
    absolute, folder = path.resolve(), run.path.resolve()
    return absolute.relative_to(folder).as_posix() if absolute.is_relative_to(folder) else str(absolute)
