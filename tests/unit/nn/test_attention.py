import pytest
import torch

from cs336_basics import MultiHeadSelfAttention, rope_tables
from tests.unit.references import attention_by_loops

BATCH, HEADS, SEQ, D_HEAD, MAX_SEQ_LEN = 2, 3, 5, 14, 17
D_MODEL = HEADS * D_HEAD
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}
POSITIONS = {
    "default": None,
    "(seq,)": torch.tensor([0, 2, 3, 7, 11]),
    "(1, seq)": torch.tensor([[0, 2, 3, 7, 11]]),
    "(batch, seq)": torch.tensor([[0, 2, 3, 7, 11], [5, 6, 7, 8, 16]]),
}


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_attention_without_rope_equals_loops(dtype):
    attention = MultiHeadSelfAttention(D_MODEL, HEADS, dtype=dtype)
    x = torch.randn(BATCH, SEQ, D_MODEL, dtype=dtype)
    expected = attention_by_loops(x, attention.state_dict(), HEADS)
    torch.testing.assert_close(attention(x).double(), expected, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("name", POSITIONS)
def test_attention_with_rope_equals_loops(name):
    attention = MultiHeadSelfAttention(D_MODEL, HEADS)
    x = torch.randn(BATCH, SEQ, D_MODEL)
    expected = attention_by_loops(
        x, attention.state_dict(), HEADS, theta=500.0, token_positions=POSITIONS[name]
    )
    actual = attention(x, rope_tables(D_HEAD, MAX_SEQ_LEN, 500.0), POSITIONS[name])
    torch.testing.assert_close(actual.double(), expected, rtol=0, atol=1e-6)


def test_attention_takes_no_one_or_two_leading_axes():
    attention = MultiHeadSelfAttention(D_MODEL, HEADS)
    tables = rope_tables(D_HEAD, MAX_SEQ_LEN)
    x = torch.randn(BATCH, 7, SEQ, D_MODEL)
    attended = attention(x, tables)
    torch.testing.assert_close(attended[1], attention(x[1], tables), rtol=0, atol=1e-6)
    torch.testing.assert_close(attended[1, 3], attention(x[1, 3], tables), rtol=0, atol=1e-6)


def test_attention_does_not_see_later_positions():
    attention = MultiHeadSelfAttention(D_MODEL, HEADS)
    tables = rope_tables(D_HEAD, MAX_SEQ_LEN)
    x = torch.randn(BATCH, SEQ, D_MODEL)
    before = attention(x, tables)
    x[:, 3:] = torch.randn(BATCH, SEQ - 3, D_MODEL)
    after = attention(x, tables)
    torch.testing.assert_close(after[:, :3], before[:, :3], rtol=0, atol=1e-6)
    assert not torch.allclose(after[:, 3:], before[:, 3:])


def test_attention_with_rope_depends_on_relative_positions_only():
    attention = MultiHeadSelfAttention(D_MODEL, HEADS)
    tables = rope_tables(D_HEAD, 101)
    x, positions = torch.randn(BATCH, SEQ, D_MODEL), torch.tensor([0, 2, 3, 7, 11])
    expected = attention(x, tables, positions)
    torch.testing.assert_close(attention(x, tables, positions + 89), expected, rtol=0, atol=1e-5)
    assert not torch.allclose(attention(x, tables, 2 * positions), expected, rtol=0, atol=1e-4)


def test_attention_has_the_names_and_shapes_of_the_course():
    shapes = {
        name: tuple(weight.shape)
        for name, weight in MultiHeadSelfAttention(D_MODEL, HEADS).state_dict().items()
    }
    names = ["q_proj.weight", "k_proj.weight", "v_proj.weight", "output_proj.weight"]
    assert shapes == dict.fromkeys(names, (D_MODEL, D_MODEL))


@pytest.mark.parametrize("heads", [0, -7, 3])
def test_attention_with_heads_that_do_not_divide_d_model_names_both(heads):
    with pytest.raises(ValueError, match=f"multiple of num_heads but 7 is not a multiple of {heads}"):
        MultiHeadSelfAttention(7, heads)


def test_attention_of_bfloat16_stays_bfloat16():
    attention = MultiHeadSelfAttention(D_MODEL, HEADS, dtype=torch.bfloat16)
    x = torch.randn(BATCH, SEQ, D_MODEL).bfloat16()
    attended = attention(x, rope_tables(D_HEAD, MAX_SEQ_LEN))
    assert attended.dtype == torch.bfloat16
    expected = attention_by_loops(x, attention.state_dict(), HEADS, theta=10000.0)
    torch.testing.assert_close(attended.double(), expected, rtol=0, atol=0.05)
