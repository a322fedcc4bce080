"""Score a run's model on its own validation tokens, or on any text."""

import os
import tempfile
from pathlib import Path

from cs336_basics.evaluation.held_out_loss import EvaluationResult
from cs336_basics.files.token_file import open_token_file
from cs336_basics.training.config import Device
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.token_data import open_token_data
from cs336_basics.training.trained_run import open_run_tokenizer, open_trained_run
from cs336_basics.training.validation import validate


def score_validation(run: RunFolder, *, device: Device = "auto") -> EvaluationResult:
    """Evaluate the model of the last checkpoint on all validation tokens of the run."""
    trained = open_trained_run(run, device=device)
    stored = run.read_config()["paths"]
    data = open_token_data(
        run.path / stored["train_tokens"],
        None if stored["validation_tokens"] is None else run.path / stored["validation_tokens"],
        vocab_size=trained.config.model.vocab_size,
        context_length=trained.config.model.context_length,
    )
    return validate(trained.model, data.validation, trained.config)


def score_text(run: RunFolder, text: str | os.PathLike[str], *, device: Device = "auto") -> EvaluationResult:
    """Encode a text file with the run's tokenizer and evaluate the model of the last checkpoint on it."""
    tokenizer = open_run_tokenizer(run)
    trained = open_trained_run(run, device=device)
    with tempfile.TemporaryDirectory() as folder:
        tokens = Path(folder) / "text.npy"
        tokenizer.encode_file(text, tokens)
        dataset = open_token_file(tokens, vocab_size=trained.config.model.vocab_size)
        result = validate(trained.model, dataset, trained.config)
        del dataset  # Windows keeps a mapped file until the map is gone
    return result
