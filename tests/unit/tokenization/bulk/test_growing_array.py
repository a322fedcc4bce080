import numpy as np
import pytest

from cs336_basics.tokenization.bulk.growing_array import GrowingArray


@pytest.mark.parametrize("piece_sizes", [[0], [1] * 5000, [1024, 0, 1, 10_000, 3], [1023, 2, 511, 1]])
def test_growing_array_holds_what_was_appended(piece_sizes):
    array = GrowingArray(np.int64)
    expected = []
    for piece, size in enumerate(piece_sizes):
        values = [piece * 100_000 + place for place in range(size)]
        array.append(values if piece % 2 else np.array(values))
        expected += values
    assert array.values.tolist() == expected
    assert len(array) == len(expected)


def test_growing_array_values_can_be_changed_in_place():
    array = GrowingArray(np.int32)
    array.append([1, 2, 3])
    array.values[1] = 7
    array.append([4])
    assert array.values.tolist() == [1, 7, 3, 4]
    assert array.values.dtype == np.int32
