"""The loss on a whole token file: every token scored once, in windows that may overlap.

Token 0 has nothing before it and is scored at log2(vocabulary) bits, as if all entries were equally
likely. The tokens after it are the targets of windows of `context_length` inputs that begin every `stride`
tokens; all but the first score only the last `stride` of their targets, those that no earlier one has seen.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count, groupby, islice

import numpy as np
import torch

from cs336_basics.data.batching import check_batch_shape, check_token_array
from cs336_basics.functional.loss import token_losses
from cs336_basics.nn.embedding import check_ids
from cs336_basics.nn.transformer_lm import TransformerLM


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """The losses of all tokens of a dataset, summed; `loss = total_nats / num_tokens`."""

    total_nats: float
    """The sum of `-log p(token)`, natural logarithm."""
    num_tokens: int
    """Tokens scored: all of the dataset."""

    @property
    def loss(self) -> float:
        """Nats per token."""
        return self.total_nats / self.num_tokens

    @property
    def perplexity(self) -> float:
        """`exp(loss)`, infinite where a float cannot hold it."""
        try:
            return math.exp(self.loss)
        except OverflowError:
            return math.inf

    def bits_per_byte(self, num_bytes: int) -> float:
        """Return bits per byte of the text file behind the tokens, `num_bytes` long, delimiters included.

        Unlike the loss per token it can be compared between tokenizers, and with a compressor.
        """
        return self.total_nats / math.log(2) / num_bytes


@dataclass(frozen=True)
class Window:
    """Inputs from `start` to `stop`; each has its target after it."""

    start: int
    stop: int
    num_seen: int
    """Targets at the beginning that an earlier window scores."""


@torch.no_grad()
def evaluate(
    model: TransformerLM,
    dataset: np.ndarray,
    *,
    batch_size: int,
    context_length: int,
    device: torch.device | str,
    stride: int | None = None,
    map_batches: Callable[[Callable[[list[Window]], float], Iterable[list[Window]]], Iterable[float]] = map,
) -> EvaluationResult:
    """Score every token of `dataset` once, without randomness: sum `-log p(token)`.

    Token 0 has nothing before it and counts `log(vocab_size)`; the others are predicted from what precedes
    them in their window of `context_length` tokens. With a `stride` every token has at least
    `context_length - stride` tokens before it where the dataset has as many, for `context_length / stride`
    times the work; without, windows do not overlap. The batch size changes the result by rounding only.

    `map_batches` is given a function and batches, and returns the function's result for each; several
    processes can so share the work. In which order they come changes nothing.
    """
    stride = context_length if stride is None else stride
    _check(dataset, batch_size, context_length, stride)

    def nats_of(batch: list[Window]) -> float:
        windows = np.stack([dataset[window.start : window.stop + 1] for window in batch])
        ids = torch.from_numpy(windows.astype(np.int64))
        check_ids(ids, model.config.vocab_size)  # the last targets are no inputs, which the model checks
        ids = ids.to(device)
        inputs, targets = ids[:, :-1], ids[:, 1:]
        losses = token_losses(model(inputs), targets)[:, batch[0].num_seen :]
        return losses.cpu().double().sum().item()  # Apple's GPUs have no float64

    first_token = math.log(model.config.vocab_size)
    batches = _batches_of_windows(len(dataset) - 1, batch_size, context_length, stride)
    total_nats = math.fsum([first_token, *map_batches(nats_of, batches)])
    return EvaluationResult(total_nats=total_nats, num_tokens=len(dataset))


def _windows(num_targets: int, context_length: int, stride: int) -> Iterator[Window]:
    """Yield windows until all targets are scored; the last one may be shorter."""
    num_scored = 0
    for start in count(0, stride):
        if num_scored == num_targets:
            return
        stop = min(start + context_length, num_targets)
        yield Window(start, stop, num_seen=num_scored - start)
        num_scored = stop


def _batches_of_windows(
    num_targets: int, batch_size: int, context_length: int, stride: int
) -> Iterator[list[Window]]:
    """Yield batches of windows of the same length and with as many targets to score."""
    windows = _windows(num_targets, context_length, stride)
    for _, alike in groupby(windows, key=lambda window: (window.stop - window.start, window.num_seen)):
        while batch := list(islice(alike, batch_size)):
            yield batch


def _check(dataset: np.ndarray, batch_size: int, context_length: int, stride: int) -> None:
    check_token_array(dataset)
    if len(dataset) == 0:
        raise ValueError("a dataset needs at least one token to be scored but has none")
    check_batch_shape(batch_size, context_length)
    if not 1 <= stride <= context_length:
        raise ValueError(
            f"stride must lie in 1..{context_length}, the context length, but is {stride}; a larger one "
            "would leave tokens out"
        )
