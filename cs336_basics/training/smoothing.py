"""Curves without the noise of single batches."""

from collections.abc import Sequence

import numpy as np


def moving_mean(values: Sequence[float], half_width: int) -> np.ndarray:
    """Return the mean of each value with up to `half_width` neighbours on either side.

    Near the beginning, where losses fall steeply, the sides stay of equal length; at the end only the left
    one remains. `moving_mean([9, 6, 3, 6], 1)` -> `[9, 6, 5, 4.5]`.
    """
    place = np.arange(len(values))
    reach = np.minimum(place, half_width)
    first, behind = place - reach, np.minimum(place + reach + 1, len(values))
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return (sums[behind] - sums[first]) / (behind - first)
