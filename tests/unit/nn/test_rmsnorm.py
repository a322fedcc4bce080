import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional

from cs336_basics import RMSNorm

D_MODEL = 7
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}


def norm_with_random_gain(dtype=torch.float32, eps: float = 1e-5) -> RMSNorm:
    norm = RMSNorm(D_MODEL, eps, dtype=dtype)
    with torch.no_grad():
        norm.weight.normal_(mean=1)
    return norm


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("leading", [(), (3,), (2, 3, 5)], ids=str)
@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_rmsnorm_equals_torch_over_any_leading_axes(dtype, leading, eps):
    norm = norm_with_random_gain(dtype, eps)
    x = torch.randn(*leading, D_MODEL, dtype=dtype)
    expected = functional.rms_norm(x, (D_MODEL,), norm.weight, eps)
    torch.testing.assert_close(norm(x), expected, rtol=0, atol=TOLERANCE[dtype])


def test_rmsnorm_of_a_case_by_hand():
    norm = RMSNorm(2, eps=0.0)
    assert norm(torch.tensor([1.0, 7.0])).tolist() == pytest.approx([0.2, 1.4])


def test_rmsnorm_starts_with_a_gain_of_one():
    assert torch.equal(RMSNorm(D_MODEL).weight, torch.ones(D_MODEL))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_rmsnorm_of_a_narrow_type_is_computed_in_float32(dtype):
    norm = norm_with_random_gain(dtype)
    x = (300 * torch.randn(3, D_MODEL)).to(dtype)  # squares overflow float16
    normalized = norm(x)
    assert normalized.dtype == dtype
    expected = functional.rms_norm(x.float(), (D_MODEL,), norm.weight.float(), 1e-5).to(dtype)
    torch.testing.assert_close(normalized, expected, rtol=1e-2, atol=0)
    assert (normalized == expected).float().mean() > 0.9


def test_rmsnorm_of_zeros_is_zeros():
    assert torch.equal(RMSNorm(D_MODEL)(torch.zeros(3, D_MODEL)), torch.zeros(3, D_MODEL))


def test_rmsnorm_has_the_right_gradient():
    norm = norm_with_random_gain(torch.float64)
    assert gradcheck(norm, (torch.randn(3, D_MODEL, dtype=torch.float64, requires_grad=True),))


def test_rmsnorm_prints_its_size():
    assert str(RMSNorm(D_MODEL)) == "RMSNorm(7, eps=1e-05)"
