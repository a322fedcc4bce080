import pytest
import torch

from cs336_basics import rope_tables
from cs336_basics.nn.rope import RotaryPositions

D_HEAD, MAX_SEQ_LEN, THETA = 14, 11, 500.0


@pytest.mark.parametrize("change", [torch.nn.Module.bfloat16, torch.nn.Module.double, torch.nn.Module.float])
def test_rotary_positions_keep_their_tables_in_float32(change):
    positions = change(RotaryPositions(D_HEAD, MAX_SEQ_LEN, THETA))
    for table, expected in zip(positions(), rope_tables(D_HEAD, MAX_SEQ_LEN, THETA), strict=True):
        assert table.dtype == torch.float32
        assert torch.equal(table, expected)


def test_rotary_positions_are_filled_after_the_meta_device():
    positions = RotaryPositions(D_HEAD, MAX_SEQ_LEN, THETA, device="meta").to_empty(device="cpu")
    for table, expected in zip(positions(), rope_tables(D_HEAD, MAX_SEQ_LEN, THETA), strict=True):
        assert torch.equal(table, expected)


def test_rotary_positions_are_not_saved():
    positions = RotaryPositions(D_HEAD, MAX_SEQ_LEN, THETA)
    assert positions.state_dict() == {}
    assert [name for name, _ in positions.named_buffers()] == ["cos", "sin"]


def test_rotary_positions_print_their_sizes():
    assert str(RotaryPositions(D_HEAD, MAX_SEQ_LEN)) == (
        "RotaryPositions(d_head=14, max_seq_len=11, theta=10000.0)"
    )
