import math

import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional

from cs336_basics.functional.chunked_loss import chunked_cross_entropy
from cs336_basics.functional.loss import cross_entropy, perplexity, token_losses

VOCAB = 7
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}


def chunked(logits, targets):
    return chunked_cross_entropy(logits, torch.eye(logits.shape[-1]), targets)


def logits_and_targets(*leading: int, dtype=torch.float32, scale: float = 1.0):
    return scale * torch.randn(*leading, VOCAB, dtype=dtype), torch.randint(VOCAB, leading)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("leading", [(), (5,), (2, 3), (2, 3, 5)], ids=str)
def test_cross_entropy_equals_torch_over_any_leading_axes(dtype, leading):
    logits, targets = logits_and_targets(*leading, dtype=dtype)
    expected = functional.cross_entropy(logits.reshape(-1, VOCAB), targets.reshape(-1))
    torch.testing.assert_close(cross_entropy(logits, targets), expected, rtol=0, atol=TOLERANCE[dtype])


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_the_vocabulary():
    loss = cross_entropy(torch.full((5, VOCAB), 3.0), torch.arange(5))
    assert loss.item() == pytest.approx(math.log(VOCAB), abs=1e-6)


def test_cross_entropy_of_logits_of_1e4_equals_torch():
    logits, targets = logits_and_targets(11, scale=1e4)
    loss = cross_entropy(logits, targets)
    assert torch.isfinite(loss)
    torch.testing.assert_close(loss, functional.cross_entropy(logits, targets), rtol=1e-6, atol=0)


def test_cross_entropy_does_not_depend_on_a_shift():
    logits, targets = logits_and_targets(5, dtype=torch.float64)
    torch.testing.assert_close(cross_entropy(logits + 1e4, targets), cross_entropy(logits, targets))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_cross_entropy_of_a_narrow_type_is_computed_in_float32(dtype):
    logits, targets = logits_and_targets(101)
    narrow = logits.to(dtype)
    loss = cross_entropy(narrow, targets)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, functional.cross_entropy(narrow.float(), targets), rtol=0, atol=1e-6)


def test_cross_entropy_has_the_right_gradient():
    logits, targets = logits_and_targets(2, 3, dtype=torch.float64)
    assert gradcheck(lambda t: cross_entropy(t, targets), (logits.requires_grad_(),))


def test_cross_entropy_takes_targets_of_int32():
    logits, targets = logits_and_targets(5)
    assert torch.equal(cross_entropy(logits, targets.int()), cross_entropy(logits, targets))


def test_token_losses_are_the_losses_of_torch_without_the_mean():
    logits, targets = logits_and_targets(2, 3)
    expected = functional.cross_entropy(logits.reshape(-1, VOCAB), targets.reshape(-1), reduction="none")
    torch.testing.assert_close(token_losses(logits, targets), expected.reshape(2, 3), rtol=0, atol=1e-6)


def test_perplexity_of_a_uniform_model_is_the_size_of_the_vocabulary():
    assert perplexity(torch.tensor(math.log(VOCAB))).item() == pytest.approx(VOCAB, rel=1e-6)


@pytest.mark.without_type_checks
@pytest.mark.parametrize("shape", [(1, 3), (2, 1), (2, 4), (6,), ()], ids=str)
def test_targets_of_another_shape_are_refused(shape):
    logits = torch.randn(2, 3, VOCAB)
    with pytest.raises(ValueError, match=r"targets must have the shape .* \(2, 3\), but have"):
        cross_entropy(logits, torch.zeros(shape, dtype=torch.long))


@pytest.mark.without_type_checks
@pytest.mark.parametrize("loss", [cross_entropy, chunked])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.complex64], ids=str)
def test_targets_that_are_no_integers_are_refused(loss, dtype):
    with pytest.raises(TypeError, match="targets must be integers but are torch"):
        loss(torch.randn(2, 3), torch.ones(2).to(dtype))
