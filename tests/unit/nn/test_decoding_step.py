import pytest
import torch

from cs336_basics import rope, rope_tables
from cs336_basics.nn.decoding_step import decoding_step, visible_keys

HEADS, D_HEAD, MAX_SEQ_LEN = 3, 6, 17
CPU = torch.device("cpu")


@pytest.mark.parametrize("lengths", [[0], [5, 5, 5], [0, 16, 7]], ids=str)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_rotate_is_rope_at_the_position_of_each_row(lengths, dtype):
    tables = rope_tables(D_HEAD, MAX_SEQ_LEN)
    x = torch.randn(len(lengths), HEADS, 1, D_HEAD, dtype=dtype)
    expected = rope(x, *tables, torch.tensor(lengths)[:, None, None])
    rotated = decoding_step(lengths, tables, device=CPU).rotate(x)
    assert rotated.dtype == dtype
    tolerance = {torch.float64: 1e-15, torch.float32: 1e-6, torch.bfloat16: 4e-2}[dtype]
    torch.testing.assert_close(rotated, expected, rtol=0, atol=tolerance)


def test_rotate_without_tables_changes_nothing():
    x = torch.randn(2, HEADS, 1, D_HEAD)
    assert decoding_step([3, 4], None, device=CPU).rotate(x) is x


def test_a_query_sees_the_keys_up_to_its_own_position():
    visible = visible_keys(torch.tensor([2, 0, 3]), 4)
    assert visible.shape == (3, 1, 1, 4)
    assert visible[:, 0, 0].tolist() == [
        [True, True, True, False],
        [True, False, False, False],
        [True, True, True, True],
    ]


def test_rows_of_equal_length_need_no_mask():
    step = decoding_step([4, 4], None, device=CPU)
    assert step.mask is None
    assert step.num_keys == 5


def test_rows_of_unequal_length_have_one():
    step = decoding_step([4, 1], None, device=CPU)
    assert step.mask is not None
    assert step.mask.sum(dim=-1).flatten().tolist() == [5, 2]
    assert step.num_keys == 5
