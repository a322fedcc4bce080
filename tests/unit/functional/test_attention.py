import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional

from cs336_basics.functional.attention import causal_mask, masked_softmax, scaled_dot_product_attention

QUERIES, KEYS, D_HEAD, D_VALUE = 5, 7, 11, 13
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}


def q_k_v(*leading: int, dtype=torch.float32):
    q = torch.randn(*leading, QUERIES, D_HEAD, dtype=dtype)
    k = torch.randn(*leading, KEYS, D_HEAD, dtype=dtype)
    v = torch.randn(*leading, KEYS, D_VALUE, dtype=dtype)
    return q, k, v


def mask_with_some_key_for_each_query(*leading: int):
    mask = torch.rand(*leading, QUERIES, KEYS) < 0.4
    mask[..., 0] |= ~mask.any(dim=-1)
    return mask


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("leading", [(), (2,), (2, 3), (2, 1, 3)], ids=str)
@pytest.mark.parametrize("masked", [False, True], ids=["open", "masked"])
def test_attention_equals_torch_over_any_leading_axes(dtype, leading, masked):
    q, k, v = q_k_v(*leading, dtype=dtype)
    mask = mask_with_some_key_for_each_query(*leading) if masked else None
    expected = functional.scaled_dot_product_attention(q, k, v, mask)
    actual = scaled_dot_product_attention(q, k, v, mask)
    torch.testing.assert_close(actual, expected, rtol=0, atol=TOLERANCE[dtype])


def test_attention_takes_one_mask_for_all_leading_axes():
    q, k, v = q_k_v(2, 3)
    mask = mask_with_some_key_for_each_query()
    expected = functional.scaled_dot_product_attention(q, k, v, mask)
    torch.testing.assert_close(scaled_dot_product_attention(q, k, v, mask), expected, rtol=0, atol=1e-6)


def test_attention_of_large_scores_equals_torch():
    q, k, v = q_k_v(2)
    expected = functional.scaled_dot_product_attention(100 * q, 100 * k, v)
    actual = scaled_dot_product_attention(100 * q, 100 * k, v)
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)


def test_attention_never_reads_a_forbidden_key():
    q, k, v = q_k_v(2)
    mask = torch.ones(QUERIES, KEYS, dtype=torch.bool)
    mask[:, 3] = False
    before = scaled_dot_product_attention(q, k, v, mask)
    k[:, 3], v[:, 3] = 1e6, 1e6
    assert torch.equal(scaled_dot_product_attention(q, k, v, mask), before)


def test_attention_gives_zeros_to_a_query_that_may_attend_to_nothing():
    q, k, v = (t.requires_grad_() for t in q_k_v(2))
    mask = mask_with_some_key_for_each_query()
    mask[3] = False
    attended = scaled_dot_product_attention(q, k, v, mask)
    assert torch.equal(attended[:, 3], torch.zeros(2, D_VALUE))
    attended.square().sum().backward()
    for tensor in (q, k, v):
        assert tensor.grad is not None
        assert torch.isfinite(tensor.grad).all()
        assert tensor.grad.abs().sum() > 0
    assert q.grad is not None
    assert torch.equal(q.grad[:, 3], torch.zeros(2, D_HEAD))


def test_attention_with_everything_forbidden_has_zero_gradients():
    q, k, v = (t.requires_grad_() for t in q_k_v(2))
    with torch.autograd.set_detect_anomaly(True):  # no NaN on the way either
        attended = scaled_dot_product_attention(q, k, v, torch.zeros(QUERIES, KEYS, dtype=torch.bool))
        attended.sum().backward()
    for tensor in (q, k, v):
        assert tensor.grad is not None
        assert torch.equal(tensor.grad, torch.zeros_like(tensor))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_attention_of_a_narrow_type_is_computed_in_float32(dtype):
    q, k, v = (t.to(dtype) for t in q_k_v(2))
    mask = mask_with_some_key_for_each_query()
    attended = scaled_dot_product_attention(q, k, v, mask)
    assert attended.dtype == dtype
    wide = scaled_dot_product_attention(q.float(), k.float(), v.float(), mask)
    assert torch.equal(attended, wide.to(dtype))


def test_attention_has_the_right_gradient():
    q, k, v = torch.randn(2, 3, dtype=torch.float64), *torch.randn(2, 5, 3, dtype=torch.float64)
    tensors = tuple(t.requires_grad_() for t in (q, k, v))
    mask = torch.tensor([[True, False, True, True, False], [False] * 5])
    assert gradcheck(lambda q, k, v: scaled_dot_product_attention(q, k, v, mask), tensors)


def test_masked_softmax_gives_a_forbidden_key_exactly_zero():
    scores = 10 * torch.randn(2, QUERIES, KEYS)
    mask = mask_with_some_key_for_each_query()
    weights = masked_softmax(scores, mask)
    assert torch.equal(weights == 0, (~mask).expand_as(weights))
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(2, QUERIES))


def test_causal_mask_by_hand():
    expected = torch.tensor([[True, False, False], [True, True, False], [True, True, True]])
    assert torch.equal(causal_mask(3), expected)
