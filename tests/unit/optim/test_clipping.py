import math

import pytest
import torch

from cs336_basics import clip_gradients
from cs336_basics.optim.clipping import global_l2_norm


def with_gradients(dtype=torch.float32, scale: float = 1.0) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(7)
    parameters = [torch.nn.Parameter(torch.zeros(shape, dtype=dtype)) for shape in ((3, 5), (7,), ())]
    for parameter in parameters:
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        parameter.grad = (scale * noise).to(dtype)
    return parameters


def gradients(parameters) -> list[torch.Tensor]:
    return [parameter.grad.clone() for parameter in parameters if parameter.grad is not None]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("limit", [1e-2, 1.0, 3.0, 1e3])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_clip_gradients_equals_torch(dtype, limit, scale):
    ours, theirs = with_gradients(dtype, scale), with_gradients(dtype, scale)
    norm = clip_gradients(ours, limit)
    expected_norm = torch.nn.utils.clip_grad_norm_(theirs, limit)
    torch.testing.assert_close(norm, expected_norm, rtol=1e-6, atol=0)
    for actual, expected in zip(gradients(ours), gradients(theirs), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-6, atol=0)


def test_clip_gradients_of_a_case_by_hand():
    parameters = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    parameters[0].grad, parameters[1].grad = torch.tensor([3.0]), torch.tensor([-4.0])
    assert clip_gradients(parameters, 1.0).item() == 5.0
    assert [g.item() for g in gradients(parameters)] == pytest.approx([0.6, -0.8], abs=1e-6)


def test_clip_gradients_below_the_limit_changes_no_bit():
    parameters = with_gradients()
    before = gradients(parameters)
    norm = clip_gradients(parameters, 100.0)
    assert 0 < norm.item() < 100
    for actual, expected in zip(gradients(parameters), before, strict=True):
        assert torch.equal(actual, expected)


def test_clip_gradients_works_in_place():
    parameters = with_gradients()
    tensors = [parameter.grad for parameter in parameters]
    clip_gradients(parameters, 0.1)
    assert all(parameter.grad is tensor for parameter, tensor in zip(parameters, tensors, strict=True))
    assert global_l2_norm(gradients(parameters)).item() == pytest.approx(0.1, rel=1e-4)


def test_clip_gradients_accepts_a_generator():
    parameters = with_gradients()
    clip_gradients((parameter for parameter in parameters), 0.1)
    assert global_l2_norm(gradients(parameters)).item() == pytest.approx(0.1, rel=1e-4)


def test_clip_gradients_skips_parameters_without_gradient():
    parameters = with_gradients()
    expected = clip_gradients(with_gradients(), 0.1)
    without = torch.nn.Parameter(torch.ones(11))
    assert torch.equal(clip_gradients([without, *parameters], 0.1), expected)
    assert without.grad is None


def test_clip_gradients_of_nothing_returns_zero():
    assert clip_gradients([], 1.0).item() == 0.0
    assert clip_gradients([torch.nn.Parameter(torch.ones(3))], 1.0).item() == 0.0


def test_clip_gradients_takes_the_norm_of_narrow_types_in_float32():
    parameter = torch.nn.Parameter(torch.zeros(10_007, dtype=torch.bfloat16))
    parameter.grad = torch.full_like(parameter, 300.0)
    norm = clip_gradients([parameter], 1.0)
    assert norm.dtype == torch.float32
    assert norm.item() == pytest.approx(300 * 10_007**0.5, rel=1e-5)
    assert parameter.grad.dtype == torch.bfloat16
    assert parameter.grad[0].item() == pytest.approx(10_007**-0.5, rel=1e-2)


def test_clip_gradients_adds_its_epsilon_to_the_norm():
    parameters = with_gradients()
    norm = clip_gradients(parameters, 1.0, eps=3.0)
    assert global_l2_norm(gradients(parameters)).item() == pytest.approx((norm / (norm + 3)).item(), rel=1e-5)


@pytest.mark.parametrize("limit", [-1.0, math.nan])
def test_a_norm_that_no_vector_has_is_refused(limit):
    parameters = with_gradients()
    before = gradients(parameters)
    with pytest.raises(ValueError, match=f"max_l2_norm must not be negative but is {limit}"):
        clip_gradients(parameters, limit)
    assert all(map(torch.equal, gradients(parameters), before))


@pytest.mark.parametrize("norm", [1.0, 1 - 5e-7])
def test_a_norm_up_to_the_limit_changes_nothing(norm):
    parameter = torch.nn.Parameter(torch.zeros(1))
    parameter.grad = torch.tensor([norm])
    clip_gradients([parameter], 1.0)
    assert parameter.grad.item() == torch.tensor(norm).item()


def test_a_single_tensor_is_clipped():
    parameter = torch.nn.Parameter(torch.ones(4))
    parameter.grad = torch.full((4,), 100.0)
    assert clip_gradients(parameter, 1.0).item() == 200.0
    torch.testing.assert_close(parameter.grad, torch.full((4,), 0.5))
