"""Score validation tokens in a run's precision and on its device."""

import numpy as np

from cs336_basics.evaluation.held_out_loss import EvaluationResult, evaluate
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.training.config import RunConfig
from cs336_basics.training.hardware import autocast
from cs336_basics.training.processes import ONE_PROCESS, Processes

WINDOWS_PER_PIECE = 8


def validate(
    model: TransformerLM,
    dataset: np.ndarray,
    config: RunConfig,
    *,
    whole: bool = True,
    stride: int | None = None,
    processes: Processes = ONE_PROCESS,
) -> EvaluationResult:
    """Score all tokens, or about `evaluation_tokens` of them, taken from everywhere in the dataset.

    `stride` is that of `evaluate`. Several `processes` share the work, and each returns the result.
    """
    limit = config.training.evaluation_tokens
    if not whole and limit is not None:
        piece_length = WINDOWS_PER_PIECE * config.model.context_length
        dataset = evenly_spaced_pieces(dataset, limit, piece_length=piece_length)
    num_parts = config.training.accumulation_steps * processes.count
    with autocast(config.training):
        return evaluate(
            model,
            dataset,
            batch_size=max(1, config.training.batch_size // num_parts),
            context_length=config.model.context_length,
            device=config.training.device,
            stride=stride,
            map_batches=processes.map,
        )


def evenly_spaced_pieces(dataset: np.ndarray, num_tokens: int, *, piece_length: int) -> np.ndarray:
    """Return `num_tokens` tokens at most (but one piece at least), in pieces from everywhere in the dataset.

    The beginning alone would not do: a corpus is seldom the same from end to end.
    """
    num_pieces = max(1, num_tokens // piece_length)
    if num_pieces * piece_length >= len(dataset):
        return dataset
    starts = np.linspace(0, len(dataset) - piece_length, num_pieces).astype(np.int64)
    return np.concatenate([dataset[start : start + piece_length] for start in starts])
