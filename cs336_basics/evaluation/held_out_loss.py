"""The loss on a whole token file: every token scored once, in windows that do not overlap.

Token 0 has nothing before it and is scored at log2(vocabulary) bits, as if all entries were equally
likely. The tokens after it are the targets of windows of `context_length` inputs, the last of them shorter.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from cs336_basics.functional.loss import token_losses
from cs336_basics.nn.transformer_lm import TransformerLM


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """The losses of all tokens of a dataset, summed."""

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
        """`exp(loss)`."""
        return math.exp(self.loss)

    def bits_per_byte(self, num_bytes: int) -> float:
        """Return bits per byte of the text file behind the tokens, `num_bytes` long, delimiters included.

        Unlike the loss per token it can be compared between tokenizers, and with a compressor.
        """
        return self.total_nats / math.log(2) / num_bytes


@torch.no_grad()
def evaluate(
    model: TransformerLM,
    dataset: np.ndarray,
    *,
    batch_size: int,
    context_length: int,
    device: torch.device | str,
) -> EvaluationResult:
    """Score every token of `dataset` once, in its order and without randomness.

    The batch size changes the result by rounding only.
    """
    _check(dataset, batch_size, context_length)
    total_nats = math.log(model.config.vocab_size)
    for windows in _batches_of_windows(dataset, batch_size, context_length):
        ids = torch.from_numpy(windows).to(device)
        inputs, targets = ids[:, :-1], ids[:, 1:]
        losses = token_losses(model(inputs), targets)
        total_nats += losses.cpu().double().sum().item()  # Apple's GPUs have no float64
    return EvaluationResult(total_nats=total_nats, num_tokens=len(dataset))


def _batches_of_windows(dataset: np.ndarray, batch_size: int, context_length: int) -> Iterator[np.ndarray]:
    """Yield arrays of windows, each of its inputs and one more target, the short last one on its own."""
    num_targets = len(dataset) - 1
    num_whole = num_targets // context_length
    for first in range(0, num_whole, batch_size):
        starts = range(
            first * context_length, min(first + batch_size, num_whole) * context_length, context_length
        )
        yield np.stack([dataset[start : start + context_length + 1] for start in starts]).astype(np.int64)
    if num_targets % context_length > 0:
        yield dataset[num_whole * context_length :][np.newaxis].astype(np.int64)


def _check(dataset: np.ndarray, batch_size: int, context_length: int) -> None:
    if len(dataset) == 0:
        raise ValueError("a dataset needs at least one token to be scored but has none")
    if batch_size < 1 or context_length < 1:
        raise ValueError(
            f"batch_size and context_length must be at least 1 but are {batch_size} and {context_length}"
        )
