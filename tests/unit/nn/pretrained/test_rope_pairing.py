import torch

from cs336_basics.nn.pretrained.rope_pairing import halves_to_neighbours, neighbours_to_halves
from tests.unit.references import adjacent_pairs_to_halves


def test_a_head_of_six_rows_by_hand():
    rows = torch.tensor([[0], [2], [4], [1], [3], [5]])
    assert halves_to_neighbours(rows, 1).flatten().tolist() == [0, 1, 2, 3, 4, 5]


def test_both_ways_are_inverse_and_heads_stay_apart():
    rows = torch.randn(3 * 10, 7).bfloat16()
    halves = neighbours_to_halves(rows, 3)
    assert torch.equal(halves, adjacent_pairs_to_halves(rows, 3))
    assert torch.equal(halves_to_neighbours(halves, 3), rows)
