import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional

from cs336_basics.functional.activation import silu, softmax

TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2])
def test_softmax_equals_torch_along_every_axis(dtype, dim):
    x = 5 * torch.randn(2, 3, 7, dtype=dtype)
    torch.testing.assert_close(softmax(x, dim), functional.softmax(x, dim), rtol=0, atol=TOLERANCE[dtype])


def test_softmax_of_a_case_by_hand():
    x = torch.tensor([0.0, torch.log(torch.tensor(3.0)).item()])
    torch.testing.assert_close(softmax(x, dim=0), torch.tensor([0.25, 0.75]))


@pytest.mark.parametrize("shift", [1e2, 1e4, -1e4])
def test_softmax_does_not_depend_on_a_shift(shift):
    x = torch.randn(2, 7, dtype=torch.float64)
    torch.testing.assert_close(softmax(x + shift, dim=1), softmax(x, dim=1), rtol=0, atol=1e-11)


def test_softmax_of_scores_of_1e4_is_finite_and_sums_to_one():
    x = 1e4 * torch.randn(2, 7)
    probabilities = softmax(x, dim=-1)
    assert torch.isfinite(probabilities).all()
    torch.testing.assert_close(probabilities.sum(dim=-1), torch.ones(2))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_softmax_of_a_narrow_type_is_computed_in_float32(dtype):
    x = torch.randn(3, 1009).to(dtype)
    probabilities = softmax(x, dim=-1)
    assert probabilities.dtype == dtype
    assert torch.equal(probabilities, softmax(x.float(), dim=-1).to(dtype))


def test_softmax_has_the_right_gradient():
    x = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda t: softmax(t, dim=0), (x,))


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_silu_equals_torch(dtype):
    x = 3 * torch.randn(2, 3, 7, dtype=dtype)
    torch.testing.assert_close(silu(x), functional.silu(x), rtol=0, atol=TOLERANCE[dtype])


def test_silu_is_finite_far_from_zero():
    x = torch.tensor([-1e4, 0.0, 1e4])
    assert silu(x).tolist() == [0.0, 0.0, 1e4]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_silu_of_a_narrow_type_is_computed_in_float32(dtype):
    x = torch.randn(1009).to(dtype)
    activated = silu(x)
    assert activated.dtype == dtype
    assert torch.equal(activated, silu(x.float()).to(dtype))


def test_silu_has_the_right_gradient():
    assert gradcheck(silu, (torch.randn(3, 5, dtype=torch.float64, requires_grad=True),))
