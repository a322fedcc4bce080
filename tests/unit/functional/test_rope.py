import pytest
import torch
from torch.autograd import gradcheck
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from cs336_basics.functional.rope import rope, rope_frequencies, rope_tables
from tests.unit.references import rope_by_complex_numbers

BATCH, HEADS, SEQ, D_HEAD, MAX_SEQ_LEN = 2, 3, 5, 14, 17
THETAS = [10000.0, 500.0]


@pytest.mark.parametrize("theta", THETAS)
@pytest.mark.parametrize("d_head", [2, 14, 64])
def test_rope_frequencies_equal_the_formula(theta, d_head):
    expected = [theta ** (-2 * k / d_head) for k in range(d_head // 2)]
    frequencies = rope_frequencies(d_head, theta)
    assert frequencies.dtype == torch.float32
    assert frequencies.tolist() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("theta", THETAS)
def test_rope_tables_are_the_cosine_and_sine_of_position_times_frequency(theta):
    cos, sin = rope_tables(D_HEAD, MAX_SEQ_LEN, theta)
    k = torch.arange(D_HEAD // 2, dtype=torch.float64)
    angles = torch.arange(MAX_SEQ_LEN).double()[:, None] * theta ** (-2 * k / D_HEAD)
    torch.testing.assert_close(cos.double(), angles.cos(), rtol=0, atol=2e-6)
    torch.testing.assert_close(sin.double(), angles.sin(), rtol=0, atol=2e-6)


def test_rope_tables_are_float32_whatever_the_default_is():
    torch.set_default_dtype(torch.float64)
    try:
        tables = rope_tables(D_HEAD, MAX_SEQ_LEN)
    finally:
        torch.set_default_dtype(torch.float32)
    for table, expected in zip(tables, rope_tables(D_HEAD, MAX_SEQ_LEN), strict=True):
        assert table.dtype == torch.float32
        assert torch.equal(table, expected)


@pytest.mark.parametrize("theta", THETAS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_rope_equals_multiplication_of_complex_numbers(theta, dtype):
    x = torch.randn(BATCH, HEADS, SEQ, D_HEAD, dtype=dtype)
    positions = torch.tensor([0, 3, 4, 11, 16])
    actual = rope(x, *rope_tables(D_HEAD, MAX_SEQ_LEN, theta), positions)
    assert actual.dtype == dtype
    expected = rope_by_complex_numbers(x, positions, theta)
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-6)


def test_rope_equals_llama_after_the_pairs_are_moved_to_halves():
    q, k = torch.randn(2, BATCH, HEADS, SEQ, D_HEAD)
    cos, sin = rope_tables(D_HEAD, MAX_SEQ_LEN)
    positions = torch.tensor([[0, 1, 2, 3, 4], [7, 9, 10, 11, 16]])
    llama_cos = torch.cat((cos, cos), dim=-1)[positions]
    llama_sin = torch.cat((sin, sin), dim=-1)[positions]
    expected_q, expected_k = apply_rotary_pos_emb(halves(q), halves(k), llama_cos, llama_sin)
    per_head = positions[:, None]
    torch.testing.assert_close(halves(rope(q, cos, sin, per_head)), expected_q, rtol=0, atol=1e-6)
    torch.testing.assert_close(halves(rope(k, cos, sin, per_head)), expected_k, rtol=0, atol=1e-6)


def halves(x: torch.Tensor) -> torch.Tensor:
    return torch.cat((x[..., 0::2], x[..., 1::2]), dim=-1)


@pytest.mark.parametrize("shift", [1, 7, 100])
def test_rope_scores_depend_on_the_difference_of_positions_only(shift):
    q, k = torch.randn(2, SEQ, D_HEAD, dtype=torch.float64)
    tables = rope_tables(D_HEAD, SEQ + 100)
    positions = torch.arange(SEQ)

    def scores(first: int) -> torch.Tensor:
        return rope(q, *tables, positions + first) @ rope(k, *tables, positions + first).T

    torch.testing.assert_close(scores(shift), scores(0), rtol=0, atol=1e-4)
    assert (rope(q, *tables, positions + shift) @ rope(k, *tables, positions).T - scores(0)).abs().max() > 0.1


def test_rope_keeps_the_norm_of_each_pair():
    x = torch.randn(BATCH, SEQ, D_HEAD)
    rotated = rope(x, *rope_tables(D_HEAD, MAX_SEQ_LEN), torch.arange(SEQ))
    before = x.unflatten(-1, (-1, 2)).norm(dim=-1)
    torch.testing.assert_close(rotated.unflatten(-1, (-1, 2)).norm(dim=-1), before, rtol=1e-6, atol=1e-6)
    assert not torch.allclose(rotated, x)


def test_rope_at_position_0_turns_nothing():
    x = torch.randn(BATCH, SEQ, D_HEAD)
    zeros = torch.zeros(SEQ, dtype=torch.long)
    assert torch.equal(rope(x, *rope_tables(D_HEAD, MAX_SEQ_LEN), zeros), x)


def test_rope_turns_the_first_pair_by_one_radian_a_position():
    x = torch.tensor([[1.0, 0.0]])
    rotated = rope(x, *rope_tables(2, 4), torch.tensor([3]))
    assert rotated[0].tolist() == pytest.approx([-0.9899925, 0.1411200], abs=1e-6)


def test_rope_takes_positions_for_all_for_one_and_for_each_of_the_batch():
    x = torch.randn(BATCH, SEQ, D_HEAD)
    tables = rope_tables(D_HEAD, MAX_SEQ_LEN)
    shared = torch.tensor([0, 2, 3, 7, 11])
    expected = rope(x, *tables, shared)
    assert torch.equal(rope(x, *tables, shared[None]), expected)
    own = torch.stack((shared, shared + 5))
    rotated = rope(x, *tables, own)
    assert torch.equal(rotated[0], expected[0])
    assert torch.equal(rotated[1], rope(x[1], *tables, shared + 5))


def test_rope_of_bfloat16_is_computed_in_float32():
    x = torch.randn(BATCH, SEQ, D_HEAD).bfloat16()
    tables, positions = rope_tables(D_HEAD, MAX_SEQ_LEN), torch.arange(SEQ)
    rotated = rope(x, *tables, positions)
    assert rotated.dtype == torch.bfloat16
    assert torch.equal(rotated, rope(x.float(), *tables, positions).bfloat16())


def test_rope_has_the_right_gradient():
    x = torch.randn(SEQ, D_HEAD, dtype=torch.float64, requires_grad=True)
    tables = rope_tables(D_HEAD, MAX_SEQ_LEN)
    assert gradcheck(lambda t: rope(t, *tables, torch.arange(SEQ)), (x,))


def test_rope_with_an_odd_head_size_names_the_size():
    with pytest.raises(ValueError, match=r"even.* 7$"):
        rope_tables(7, MAX_SEQ_LEN)


def test_rope_with_a_position_beyond_the_table_is_an_error():
    with pytest.raises(IndexError):
        rope(torch.randn(1, D_HEAD), *rope_tables(D_HEAD, MAX_SEQ_LEN), torch.tensor([MAX_SEQ_LEN]))
