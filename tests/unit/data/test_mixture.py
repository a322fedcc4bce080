import math
from collections import Counter

import numpy as np
import pytest
import torch

from cs336_basics.data.mixture import TokenMixture, Window, draw_windows, read_windows

CONTEXT = 7


def generator(seed: int = 7) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def within_five_deviations(count: int, draws: int, probability: float) -> bool:
    return abs(count - draws * probability) < 5 * math.sqrt(draws * probability * (1 - probability))


def test_windows_come_from_each_array_by_its_weight_and_from_everywhere_in_it():
    datasets = (np.arange(11), np.arange(101), np.arange(13))
    mixture = TokenMixture(datasets=datasets, weights=(3, 1, 6))
    draws = 20_000
    windows = draw_windows(mixture, draws, CONTEXT, generator=generator())
    counts = Counter(windows)
    for index, (dataset, share) in enumerate(zip(datasets, (0.3, 0.1, 0.6), strict=True)):
        num_starts = len(dataset) - CONTEXT
        for start in range(num_starts):
            assert within_five_deviations(counts.pop(Window(index, start)), draws, share / num_starts)
    assert not counts


@pytest.mark.parametrize("weight", [5e-324, 1e-300, 1e308])
def test_weights_of_any_size_count_by_their_ratio(weight):
    mixture = TokenMixture(datasets=(np.arange(50), np.arange(60)), weights=(weight, weight))
    windows = draw_windows(mixture, 1000, CONTEXT, generator=generator())
    assert within_five_deviations(sum(window.dataset for window in windows), 1000, 0.5)


def test_without_weights_shares_are_sizes():
    mixture = TokenMixture.by_size(np.zeros(300), np.zeros(100))
    assert mixture.weights == (300, 100)
    assert mixture.num_tokens == 400


def test_a_window_has_one_token_more_than_the_context():
    mixture = TokenMixture.by_size(np.arange(50), np.arange(100, 150))
    windows = [Window(1, 3), Window(0, 42)]
    expected = [list(range(103, 111)), list(range(42, 50))]
    assert read_windows(mixture, windows, CONTEXT).tolist() == expected


def test_an_array_too_short_for_a_window_is_refused():
    mixture = TokenMixture(datasets=(np.arange(50), np.arange(CONTEXT)), weights=(1, 1e-9))
    with pytest.raises(ValueError, match="more tokens than the context"):
        draw_windows(mixture, 3, CONTEXT, generator=generator())


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ((1.0,), "1 weights for 2 files"),
        ((1.0, 2.0, 3.0), "3 weights for 2 files"),
        ((1.0, 0.0), "positive but one is 0.0"),
        ((1.0, -2.0), "positive but one is -2.0"),
        ((1.0, math.nan), "positive but one is nan"),
        ((math.inf, 1.0), "positive but one is inf"),
    ],
)
def test_weights_that_make_no_sense_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        TokenMixture(datasets=(np.arange(50), np.arange(60)), weights=weights)
