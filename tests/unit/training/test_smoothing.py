import numpy as np
import pytest

from cs336_basics.training.smoothing import moving_mean


def test_moving_mean_by_hand():
    assert moving_mean([9, 6, 3, 6], 1).tolist() == [9, 6, 5, 4.5]


@pytest.mark.parametrize("half_width", [0, 1, 5, 13, 100])
@pytest.mark.parametrize("length", [1, 2, 11, 101])
def test_moving_mean_equals_its_definition(half_width, length):
    values = np.random.default_rng(3).normal(size=length)
    expected = []
    for place in range(length):
        reach = min(half_width, place)
        expected.append(values[place - reach : place + reach + 1].mean())
    np.testing.assert_allclose(moving_mean(values.tolist(), half_width), expected, rtol=0, atol=1e-12)
