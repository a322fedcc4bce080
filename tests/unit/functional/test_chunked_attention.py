import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional

from cs336_basics.functional import chunked_attention
from cs336_basics.functional.attention import causal_mask, scaled_dot_product_attention
from cs336_basics.functional.chunked_attention import chunked_causal_attention

SEQ, D_HEAD = 23, 7
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}


@pytest.fixture(autouse=True, params=[(5, 3), (3, 5), (4, 4), (64, 512)], ids=str)
def chunk_sizes(request, monkeypatch):
    monkeypatch.setattr(chunked_attention, "QUERY_CHUNK", request.param[0])
    monkeypatch.setattr(chunked_attention, "KEY_CHUNK", request.param[1])


def q_k_v(*leading: int, dtype=torch.float32, scale: float = 1.0):
    return tuple((scale * torch.randn(*leading, SEQ, D_HEAD, dtype=dtype)).requires_grad_() for _ in range(3))


def plainly(q, k, v):
    return scaled_dot_product_attention(q, k, v, causal_mask(q.shape[-2]))


def assert_equal(actual, expected, dtype):
    """Compare relative to the largest entry."""
    largest = expected.abs().max().item()
    torch.testing.assert_close(actual, expected, rtol=0, atol=TOLERANCE[dtype] * max(1.0, largest))


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("leading", [(), (2,), (2, 3)], ids=str)
def test_chunked_attention_and_its_gradients_equal_the_plain_ones(dtype, leading):
    inputs = q_k_v(*leading, dtype=dtype)
    expected, actual = plainly(*inputs), chunked_causal_attention(*inputs)
    gradient = torch.randn_like(expected)
    assert_equal(actual, expected, dtype)
    expected_gradients = torch.autograd.grad(expected, inputs, gradient)
    for found, wanted in zip(torch.autograd.grad(actual, inputs, gradient), expected_gradients, strict=True):
        assert_equal(found, wanted, dtype)


@pytest.mark.without_type_checks
def test_chunked_attention_has_the_gradient_of_finite_differences():
    inputs = tuple(x[:, :11, :3].detach().requires_grad_() for x in q_k_v(1, dtype=torch.float64))
    assert gradcheck(chunked_causal_attention, inputs)


def test_chunked_attention_survives_scores_that_overflow_an_exponential():
    q, k, v = q_k_v(2, scale=100.0)
    expected = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(chunked_causal_attention(q, k, v), expected, rtol=1e-5, atol=1e-4)


def test_chunked_attention_ignores_what_comes_later():
    q, k, v = q_k_v()
    earlier = chunked_causal_attention(q, k, v)[:9]
    with torch.no_grad():
        k[9:], v[9:] = 1e3, 1e3
    assert torch.equal(chunked_causal_attention(q, k, v)[:9], earlier)


def test_chunked_attention_of_one_token_is_its_value():
    q, k, v = (x[:1] for x in q_k_v())
    torch.testing.assert_close(chunked_causal_attention(q, k, v), v)


def test_chunked_attention_computes_narrow_inputs_in_float32():
    narrow = [x.detach().bfloat16() for x in q_k_v(2)]
    expected = plainly(*[x.float() for x in narrow]).bfloat16()
    actual = chunked_causal_attention(*narrow)
    assert actual.dtype == torch.bfloat16
    torch.testing.assert_close(actual, expected, rtol=0, atol=2**-7)


def test_chunked_attention_takes_its_products_in_the_type_of_autocast_and_gradients_in_that_of_its_inputs():
    inputs = q_k_v(2)
    expected = plainly(*inputs)
    with torch.autocast("cpu", torch.bfloat16):
        actual = chunked_causal_attention(*inputs)
    assert 1e-6 < (actual - expected).abs().max() < 0.05
    gradients = torch.autograd.grad(actual.sum(), inputs)
    assert [gradient.dtype for gradient in gradients] == [torch.float32] * 3
    for gradient, wanted in zip(gradients, torch.autograd.grad(expected.sum(), inputs), strict=True):
        torch.testing.assert_close(gradient, wanted, rtol=0.05, atol=0.1)


@pytest.mark.without_type_checks
@pytest.mark.parametrize("chunk_sizes", [(3, 5)], indirect=True)  # where most is added
def test_gradients_under_autocast_lose_no_more_with_more_chunks():
    inputs = tuple(torch.randn(1, 389, D_HEAD).requires_grad_() for _ in range(3))
    exact = plainly(*(x.double() for x in inputs)).sum()
    with torch.autocast("cpu", torch.bfloat16):
        actual = chunked_causal_attention(*inputs).sum()
    expected = torch.autograd.grad(exact, inputs)
    for found, wanted in zip(torch.autograd.grad(actual, inputs), expected, strict=True):
        assert (found - wanted).norm() < 0.01 * wanted.norm()  # at most 0.006, with chunks of any size


@pytest.mark.without_type_checks
def test_keys_of_another_length_are_refused():
    q, k, v = q_k_v(2)
    longer = torch.cat((k, k), dim=-2)
    with pytest.raises(ValueError, match="must have one shape but have"):
        chunked_causal_attention(q, longer, torch.cat((v, v), dim=-2))


def test_shapes_are_known_without_numbers():
    q, k, v = (x.to("meta") for x in q_k_v(2))
    assert chunked_causal_attention(q, k, v).shape == (2, SEQ, D_HEAD)


def test_each_gradient_has_the_precision_of_its_input():
    q, k, v = q_k_v(2)
    narrow = q.detach().bfloat16().requires_grad_()
    expected = torch.autograd.grad(plainly(narrow.detach().float(), k, v).sum(), (k, v))
    gradients = torch.autograd.grad(
        chunked_causal_attention(narrow, k, v).sum(dtype=torch.float32), (narrow, k, v)
    )
    assert [gradient.dtype for gradient in gradients] == [torch.bfloat16, torch.float32, torch.float32]
    for found, wanted in zip(gradients[1:], expected, strict=True):
        assert_equal(found, wanted, torch.float32)
