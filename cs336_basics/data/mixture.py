"""Batches from several token arrays at once: each window comes from one of them, drawn by its weight."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from cs336_basics.data.batching import check_dataset, window_at


@dataclass(frozen=True, kw_only=True)
class TokenMixture:
    """Arrays of token ids and how often a window comes from each."""

    datasets: tuple[np.ndarray, ...]
    """Token ids, one axis each; may be memory-mapped."""
    weights: tuple[float, ...]
    """Any positive numbers: the share of an array is its weight divided by the sum of all."""

    def __post_init__(self) -> None:
        if len(self.datasets) != len(self.weights) or not self.datasets:
            raise ValueError(
                f"a mixture needs one weight for each token file but has {len(self.weights)} weights for "
                f"{len(self.datasets)} files; give as many, or none for shares by size"
            )
        for weight in self.weights:
            if not (math.isfinite(weight) and weight > 0):
                raise ValueError(
                    f"the weights of a mixture must be positive but one is {weight}; leave the file out"
                )

    @classmethod
    def by_size(cls, *datasets: np.ndarray) -> "TokenMixture":
        """Mix arrays as if they were one: the share of each is its length."""
        return cls(datasets=datasets, weights=tuple(float(len(dataset)) for dataset in datasets))

    @property
    def num_tokens(self) -> int:
        """Tokens of all arrays together."""
        return sum(len(dataset) for dataset in self.datasets)


@dataclass(frozen=True)
class Window:
    """Where a window of a batch begins."""

    dataset: int
    """Index in `TokenMixture.datasets`."""
    start: int
    """Index of its first token."""


def draw_windows(
    mixture: TokenMixture, num_windows: int, context_length: int, *, generator: torch.Generator
) -> list[Window]:
    """Draw where the windows of a batch begin: an array by weight, then any place in it where one fits."""
    for dataset in mixture.datasets:
        check_dataset(dataset, num_windows, context_length)
    weights = torch.tensor(mixture.weights, dtype=torch.float64)
    weights = weights / weights.max()  # so that their sum is finite
    sources = torch.multinomial(weights, num_windows, replacement=True, generator=generator)
    windows = []
    for source in sources.tolist():
        num_starts = len(mixture.datasets[source]) - context_length
        start = torch.randint(num_starts, (), generator=generator).item()
        windows.append(Window(dataset=source, start=int(start)))
    return windows


def read_windows(mixture: TokenMixture, windows: Sequence[Window], context_length: int) -> np.ndarray:
    """Return the windows and the token after each, (windows, context_length + 1); only these are read."""
    return np.stack(
        [window_at(mixture.datasets[window.dataset], window.start, context_length) for window in windows]
    )
