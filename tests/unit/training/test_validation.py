import numpy as np
import pytest

from cs336_basics.training.validation import evenly_spaced_pieces


def test_pieces_come_from_everywhere_and_never_exceed_the_number():
    pieces = evenly_spaced_pieces(np.arange(1000), 35, piece_length=10)
    assert pieces.tolist() == [*range(10), *range(495, 505), *range(990, 1000)]


@pytest.mark.parametrize("num_tokens", [1000, 5000])
def test_a_dataset_that_is_small_enough_is_taken_whole(num_tokens):
    dataset = np.arange(1000)
    assert evenly_spaced_pieces(dataset, num_tokens, piece_length=10) is dataset


def test_at_least_one_piece_is_taken():
    assert evenly_spaced_pieces(np.arange(1000), 3, piece_length=10).tolist() == list(range(10))
