"""Score a run's model on its own validation tokens, or on any text."""

import math
import os
import tempfile
from pathlib import Path

import numpy as np

from cs336_basics.evaluation.held_out_loss import EvaluationResult
from cs336_basics.files.token_file import open_token_file
from cs336_basics.tokenization import Tokenizer
from cs336_basics.training.config import Device
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.start import open_run_data
from cs336_basics.training.stored_paths import paths_of
from cs336_basics.training.trained_run import open_run_tokenizer, open_trained_run, read_run_config
from cs336_basics.training.validation import validate

PART_TOKENS = 1 << 20


def validation_tokens(run: RunFolder) -> np.ndarray:
    """Open the validation tokens of a run."""
    return open_run_data(read_run_config(run), paths_of(run)).validation


def score_validation(
    run: RunFolder, tokens: np.ndarray, *, device: Device = "auto", stride: int | None = None
) -> EvaluationResult:
    """Evaluate the model of the last checkpoint on the `validation_tokens` of the run.

    `stride` is that of `evaluate`, here and below.
    """
    trained = open_trained_run(run, device=device)
    return finite_result(run, validate(trained.model, tokens, trained.config, stride=stride))


def num_bytes_of(tokens: np.ndarray, tokenizer: Tokenizer) -> int:
    """Add up the bytes of tokens, not all of them in memory; a `ValueError` for one the tokenizer lacks."""
    num_bytes = np.zeros(max(tokenizer.vocab) + 1, dtype=np.int64)
    for id, token in tokenizer.vocab.items():
        num_bytes[id] = len(token)
    total = 0
    for start in range(0, len(tokens), PART_TOKENS):
        part = tokens[start : start + PART_TOKENS]
        if part.max() >= len(num_bytes):
            raise ValueError(
                f"tokens must be entries of the tokenizer but one is {part.max()} and it ends at "
                f"{len(num_bytes) - 1}; use the one that they were made with"
            )
        total += int(num_bytes[part].sum())
    return total


def score_text(
    run: RunFolder, text: str | os.PathLike[str], *, device: Device = "auto", stride: int | None = None
) -> EvaluationResult:
    """Encode a text file with the run's tokenizer and evaluate the model of the last checkpoint on it."""
    tokenizer = open_run_tokenizer(run)
    trained = open_trained_run(run, device=device)
    with tempfile.TemporaryDirectory() as folder:
        tokens = Path(folder) / "text.npy"
        tokenizer.encode_file(text, tokens)
        dataset = open_token_file(tokens, vocab_size=trained.config.model.vocab_size)
        result = validate(trained.model, dataset, trained.config, stride=stride)
        del dataset  # Windows keeps a mapped file until the map is gone
    return finite_result(run, result)


def finite_result(run: RunFolder, result: EvaluationResult) -> EvaluationResult:
    """Return the result unless the loss is not finite, which is a `ValueError`."""
    if math.isfinite(result.loss):
        return result
    raise ValueError(
        f"a loss must be finite but that of {run.path} is {result.loss}, so its weights have diverged; name "
        f"an earlier checkpoint in {run.checkpoints / 'latest'}, or train anew with a lower learning rate"
    )
