"""Score validation tokens in a run's precision and on its device."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from cs336_basics.evaluation.held_out_loss import EvaluationResult, evaluate
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.training.config import RunConfig
from cs336_basics.training.hardware import autocast
from cs336_basics.training.processes import ONE_PROCESS, Item, Processes
from cs336_basics.training.stop_signals import never

WINDOWS_PER_PIECE = 8


class ValidationInterruptedError(Exception):
    """It was time to stop before all tokens were scored."""


@dataclass(frozen=True, kw_only=True)
class ValidationLosses:
    """Nats per token after a step."""

    reported: float
    """Of all tokens after the last step of a run, of about `evaluation_tokens` of them before."""
    comparable: float
    """Of the same tokens after whichever step: it decides which one was the best."""


def validate_step(
    model: TransformerLM,
    dataset: np.ndarray,
    config: RunConfig,
    *,
    is_last: bool,
    processes: Processes = ONE_PROCESS,
    should_stop: Callable[[], bool] = never,
) -> ValidationLosses:
    """Return the losses after a step; several `processes` share the work.

    `should_stop` is asked before each batch; when it says yes, this is a `ValidationInterruptedError`.
    """
    how = {"processes": processes, "should_stop": should_stop}
    part = validate(model, dataset, config, whole=False, **how)
    is_whole = part.num_tokens == len(dataset)
    whole = validate(model, dataset, config, **how) if is_last and not is_whole else part
    return ValidationLosses(reported=whole.loss, comparable=part.loss)


def validate(
    model: TransformerLM,
    dataset: np.ndarray,
    config: RunConfig,
    *,
    whole: bool = True,
    stride: int | None = None,
    processes: Processes = ONE_PROCESS,
    should_stop: Callable[[], bool] = never,
) -> EvaluationResult:
    """Score all tokens, or about `evaluation_tokens` of them, taken from everywhere in the dataset.

    `stride` is that of `evaluate`; `processes` and `should_stop` are those of `validate_step`.
    """
    limit = config.training.evaluation_tokens
    if not whole and limit is not None:
        piece_length = WINDOWS_PER_PIECE * config.model.context_length
        dataset = evenly_spaced_pieces(dataset, limit, piece_length=piece_length)
    num_parts = config.training.accumulation_steps * processes.count

    def map_until_stopped(function: Callable[[Item], float], batches: Iterable[Item]) -> Iterable[float]:
        def unless_stopped(batch: Item) -> float:
            if processes.any(should_stop()):
                raise ValidationInterruptedError
            return function(batch)

        return processes.map(unless_stopped, batches)

    with autocast(config.training):
        return evaluate(
            model,
            dataset,
            batch_size=max(1, config.training.batch_size // num_parts),
            context_length=config.model.context_length,
            device=config.training.device,
            stride=stride,
            map_batches=map_until_stopped,
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
