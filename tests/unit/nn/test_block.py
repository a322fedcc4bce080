import pytest
import torch
from torch import nn

from cs336_basics import TransformerBlock, rope_tables
from tests.unit.references import block_by_torch, random_block_weights

BATCH, HEADS, SEQ, D_HEAD, D_FF, MAX_SEQ_LEN = 2, 3, 5, 14, 11, 17
D_MODEL = HEADS * D_HEAD
TOLERANCE = {torch.float32: 2e-6, torch.float64: 1e-12}


def block_with_random_weights(dtype=torch.float32) -> TransformerBlock:
    block = TransformerBlock(D_MODEL, HEADS, D_FF, dtype=dtype)
    block.load_state_dict(random_block_weights(D_MODEL, D_FF, torch.Generator().manual_seed(7)))
    return block


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("theta", [None, 500.0])
def test_block_equals_the_reference(dtype, theta):
    block = block_with_random_weights(dtype)
    x = torch.randn(BATCH, SEQ, D_MODEL, dtype=dtype)
    tables = None if theta is None else rope_tables(D_HEAD, MAX_SEQ_LEN, theta)
    expected = block_by_torch(x, block.state_dict(), HEADS, theta=theta)
    torch.testing.assert_close(block(x, tables).double(), expected, rtol=0, atol=TOLERANCE[dtype])


def test_block_passes_token_positions_to_the_attention():
    block = block_with_random_weights(torch.float64)
    x = torch.randn(BATCH, SEQ, D_MODEL, dtype=torch.float64)
    positions = torch.tensor([[0, 2, 3, 7, 11], [5, 6, 7, 8, 16]])
    expected = block_by_torch(x, block.state_dict(), HEADS, theta=500.0, token_positions=positions)
    actual = block(x, rope_tables(D_HEAD, MAX_SEQ_LEN, 500.0), positions)
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)


def test_block_whose_parts_write_nothing_is_the_identity():
    block = block_with_random_weights()
    nn.init.zeros_(block.attn.output_proj.weight)
    nn.init.zeros_(block.ffn.w2.weight)
    x = torch.randn(BATCH, SEQ, D_MODEL)
    assert torch.equal(block(x), x)


def test_block_accepts_ready_parts():
    plain = block_with_random_weights()
    assembled = TransformerBlock.from_parts(ln1=plain.ln1, attn=plain.attn, ln2=plain.ln2, ffn=plain.ffn)
    x = torch.randn(BATCH, SEQ, D_MODEL)
    assert torch.equal(assembled(x), plain(x))
    assert list(assembled.state_dict()) == list(plain.state_dict())


def test_block_has_the_names_and_shapes_of_the_course():
    expected = random_block_weights(D_MODEL, D_FF, torch.Generator())
    state = TransformerBlock(D_MODEL, HEADS, D_FF).state_dict()
    assert {name: w.shape for name, w in state.items()} == {name: w.shape for name, w in expected.items()}
