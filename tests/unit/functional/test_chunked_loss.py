import pytest
import torch
from torch.autograd import gradcheck

from cs336_basics.functional.chunked_loss import chunked_cross_entropy
from cs336_basics.functional.loss import cross_entropy

D_MODEL, VOCAB = 5, 13
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}


def inputs(*leading: int, dtype=torch.float32, scale: float = 1.0):
    hidden = (scale * torch.randn(*leading, D_MODEL, dtype=dtype)).requires_grad_()
    weight = torch.randn(VOCAB, D_MODEL, dtype=dtype).requires_grad_()
    return hidden, weight, torch.randint(VOCAB, leading)


def plainly(hidden, weight, targets):
    return cross_entropy(hidden @ weight.T, targets)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("leading", [(1,), (7,), (2, 11)], ids=str)
@pytest.mark.parametrize("chunk_tokens", [1, 3, 7, 256])
def test_chunked_loss_and_its_gradients_equal_the_plain_ones(dtype, leading, chunk_tokens):
    hidden, weight, targets = inputs(*leading, dtype=dtype)
    expected = plainly(hidden, weight, targets)
    actual = chunked_cross_entropy(hidden, weight, targets, chunk_tokens=chunk_tokens)
    torch.testing.assert_close(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    expected_gradients = torch.autograd.grad(3 * expected, (hidden, weight))
    actual_gradients = torch.autograd.grad(3 * actual, (hidden, weight))
    for found, wanted in zip(actual_gradients, expected_gradients, strict=True):
        atol = TOLERANCE[dtype] * max(1.0, wanted.abs().max().item())
        torch.testing.assert_close(found, wanted, rtol=0, atol=atol)


def test_chunked_loss_has_the_gradient_of_finite_differences():
    hidden, weight, targets = inputs(7, dtype=torch.float64)
    loss = lambda hidden, weight: chunked_cross_entropy(hidden, weight, targets, chunk_tokens=3)  # noqa: E731
    assert gradcheck(loss, (hidden, weight))


def test_chunked_loss_survives_large_logits():
    hidden, weight, targets = inputs(7, scale=1e4)
    torch.testing.assert_close(
        chunked_cross_entropy(hidden, weight, targets), plainly(hidden, weight, targets)
    )


def test_chunked_loss_leaves_its_inputs_alone_and_can_go_without_a_gradient():
    hidden, weight, targets = inputs(7)
    before = hidden.detach().clone(), weight.detach().clone()
    with torch.no_grad():
        loss = chunked_cross_entropy(hidden, weight, targets, chunk_tokens=3)
    assert not loss.requires_grad
    assert torch.equal(hidden, before[0])
    assert torch.equal(weight, before[1])
    torch.testing.assert_close(loss, plainly(hidden, weight, targets).detach())


def test_chunked_loss_of_frozen_weights_still_gives_the_gradient_of_the_hidden_states():
    hidden, weight, targets = inputs(7)
    weight.requires_grad_(False)
    (found,) = torch.autograd.grad(chunked_cross_entropy(hidden, weight, targets, chunk_tokens=3), hidden)
    (wanted,) = torch.autograd.grad(plainly(hidden, weight, targets), hidden)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)


def test_chunked_loss_takes_its_products_in_the_type_of_autocast_and_gradients_in_that_of_its_inputs():
    hidden, weight, targets = inputs(11)
    expected = plainly(hidden, weight, targets)
    with torch.autocast("cpu", torch.bfloat16):
        actual = chunked_cross_entropy(hidden, weight, targets, chunk_tokens=4)
    assert actual.dtype == torch.float32
    assert 1e-7 < (actual - expected).abs() < 0.02
    found = torch.autograd.grad(actual, (hidden, weight))
    for gradient, wanted in zip(found, torch.autograd.grad(expected, (hidden, weight)), strict=True):
        assert gradient.dtype == torch.float32
        torch.testing.assert_close(gradient, wanted, rtol=0.05, atol=0.01)


def test_chunked_loss_of_narrow_weights_and_hidden_states_is_computed_in_float32():
    hidden, weight, targets = (x.bfloat16() if x.is_floating_point() else x for x in inputs(11))
    actual = chunked_cross_entropy(hidden, weight, targets)
    expected = plainly(hidden.float(), weight.float(), targets)
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-6)


def test_the_gradient_of_a_narrow_head_loses_no_more_with_more_chunks():
    hidden, weight, targets = inputs(1009, dtype=torch.bfloat16)
    exact = plainly(hidden.double(), weight.double(), targets)
    (wanted,) = torch.autograd.grad(exact, weight)
    actual = chunked_cross_entropy(hidden, weight, targets, chunk_tokens=2)
    (found,) = torch.autograd.grad(actual, weight)
    assert found.dtype == torch.bfloat16
    assert (found - wanted).norm() < 0.005 * wanted.norm()


@pytest.mark.without_type_checks
@pytest.mark.parametrize("shape", [(1, 7), (2, 1), (1,), (28,)], ids=str)
def test_targets_of_another_shape_are_refused(shape):
    hidden, weight, _ = inputs(2, 7)
    with pytest.raises(ValueError, match=r"targets must have the shape .* \(2, 7\), but have"):
        chunked_cross_entropy(hidden, weight, torch.zeros(shape, dtype=torch.long))


def test_small_probabilities_keep_their_gradient_in_float16():
    generator = torch.Generator().manual_seed(7)
    hidden = torch.randn(4096, D_MODEL, generator=generator).requires_grad_()
    weight = (0.02 * torch.randn(997, D_MODEL, generator=generator)).requires_grad_()
    targets = torch.randint(997, (4096,), generator=generator)
    wanted = torch.autograd.grad(plainly(hidden, weight, targets), (hidden, weight))
    with torch.autocast("cpu", torch.float16):
        loss = chunked_cross_entropy(hidden, weight, targets)
    for gradient, exact in zip(torch.autograd.grad(loss, (hidden, weight)), wanted, strict=True):
        assert (gradient - exact).norm() < 1e-3 * exact.norm()


def test_sums_over_many_tokens_stay_in_the_range_of_float16():
    hidden, weight, _ = inputs(512)
    hidden = hidden.detach()
    hidden[:, 0] = 150.0
    targets = torch.zeros(512, dtype=torch.long)
    wanted = torch.autograd.grad(plainly(hidden, 0.01 * weight, targets), weight)[0]
    with torch.autocast("cpu", torch.float16):
        loss = chunked_cross_entropy(hidden, 0.01 * weight, targets)
    (found,) = torch.autograd.grad(loss, weight)
    assert (found - wanted).norm() < 2e-3 * wanted.norm()
