"""The token files of a run: one to train on, one to validate on, both memory-mapped and checked once."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cs336_basics.files.token_file import open_token_file

HELD_OUT_SHARE = 0.05  # of the training tokens, where no validation file is given
FINGERPRINT_IDS = 1 << 19  # at each end: a file of many gigabytes is not read whole


@dataclass(frozen=True, kw_only=True)
class TokenData:
    """Arrays of token ids, memory-mapped."""

    train: np.ndarray
    validation: np.ndarray


def open_token_data(
    train_path: str | os.PathLike[str],
    validation_path: str | os.PathLike[str] | None,
    *,
    vocab_size: int,
    context_length: int,
) -> TokenData:
    """Open both files; without a validation file the last 5% of the training tokens are held out.

    An id that the vocabulary does not have, or a file too short for one window, is a `ValueError`.
    """
    train = open_token_file(train_path, vocab_size=vocab_size)
    if validation_path is None:
        num_held_out = max(2, round(len(train) * HELD_OUT_SHARE))
        train, validation = train[:-num_held_out], train[-num_held_out:]
    else:
        validation = open_token_file(validation_path, vocab_size=vocab_size)
    if len(train) <= context_length:
        raise ValueError(
            f"training needs more tokens than the context of {context_length} but {Path(train_path)} gives "
            f"{len(train)}; take more text or a shorter context"
        )
    return TokenData(train=train, validation=validation)


def describe_tokens(ids: np.ndarray) -> dict[str, int | str]:
    """Return the number of tokens and a SHA-256 of their two ends: enough to tell one text from another."""
    ends = np.concatenate([ids[:FINGERPRINT_IDS], ids[-FINGERPRINT_IDS:]]).astype("<u4")
    return {"num_tokens": len(ids), "sha256_of_ends": hashlib.sha256(ends.tobytes()).hexdigest()}
