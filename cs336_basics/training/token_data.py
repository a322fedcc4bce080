"""The token files of a run: those to train on, one to validate on, all memory-mapped and checked once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cs336_basics.data.mixture import TokenMixture
from cs336_basics.files.token_file import open_token_file

HELD_OUT_SHARE = 0.05  # of the training tokens, where no validation file is given
IDS_PER_UPDATE = 1 << 22  # how many ids are hashed together


@dataclass(frozen=True, kw_only=True)
class TokenData:
    """What a run learns from and what it is measured on."""

    train: TokenMixture
    validation: np.ndarray

    @cached_property
    def description(self) -> dict[str, Any]:
        """Number and SHA-256 of the tokens of each array, and the weights of those to train on."""
        return {
            "train": [describe_tokens(dataset) for dataset in self.train.datasets],
            "weights": list(self.train.weights),
            "validation": describe_tokens(self.validation),
        }


@dataclass(frozen=True, kw_only=True)
class TokenPaths:
    """Where the token files are."""

    train: tuple[Path, ...]
    weights: tuple[float, ...] | None = None
    """How often a window comes from each file; None: as if all were one file."""
    validation: Path | None = None
    """None: the last 5% of the training tokens are held out."""


def open_token_data(paths: TokenPaths, *, vocab_size: int, context_length: int) -> TokenData:
    """Open all files.

    An id that the vocabulary does not have, or a file too short for one window, is a `ValueError`.
    """
    train: Sequence[np.ndarray] = [open_token_file(path, vocab_size=vocab_size) for path in paths.train]
    if paths.validation is not None:
        validation = open_token_file(paths.validation, vocab_size=vocab_size)
    elif len(train) == 1:
        num_held_out = max(2, round(len(train[0]) * HELD_OUT_SHARE))
        train, validation = [train[0][:-num_held_out]], train[0][-num_held_out:]
    else:
        raise ValueError(
            f"several token files need one to validate on but there are {len(train)} and no validation "
            "tokens; give some"
        )
    for path, dataset in zip(paths.train, train, strict=True):
        if len(dataset) <= context_length:
            raise ValueError(
                f"training needs more tokens than the context of {context_length} but {path} gives "
                f"{len(dataset)}; take more text or a shorter context"
            )
    return TokenData(train=_mixture(train, paths.weights), validation=validation)


def describe_tokens(ids: np.ndarray) -> dict[str, int | str]:
    """Return the number of tokens, and a SHA-256 of their bytes as the file has them."""
    digest = hashlib.sha256(ids.dtype.str.encode())
    for start in range(0, len(ids), IDS_PER_UPDATE):
        digest.update(ids[start : start + IDS_PER_UPDATE].tobytes())
    return {"num_tokens": len(ids), "sha256": digest.hexdigest()}


def _mixture(train: Sequence[np.ndarray], weights: tuple[float, ...] | None) -> TokenMixture:
    if weights is None:
        return TokenMixture.by_size(*train)
    return TokenMixture(datasets=tuple(train), weights=weights)
