import math

import pytest
import torch
from torch.nn import functional

from cs336_basics import Linear

IN, OUT = 5, 7


@pytest.mark.parametrize("leading", [(), (3,), (2, 3)], ids=str)
def test_linear_equals_torch_over_any_leading_axes(leading):
    linear = Linear(IN, OUT)
    x = torch.randn(*leading, IN)
    torch.testing.assert_close(linear(x), functional.linear(x, linear.weight), rtol=0, atol=1e-6)


def test_linear_in_float64_equals_torch():
    linear = Linear(IN, OUT, dtype=torch.float64)
    x = torch.randn(3, IN, dtype=torch.float64)
    torch.testing.assert_close(linear(x), functional.linear(x, linear.weight), rtol=0, atol=1e-12)


def test_linear_has_one_weight_and_no_bias():
    shapes = {name: tuple(weight.shape) for name, weight in Linear(IN, OUT).state_dict().items()}
    assert shapes == {"weight": (OUT, IN)}


def test_linear_starts_from_a_normal_cut_at_three_sigma():
    weight = Linear(601, 997).weight
    sigma = math.sqrt(2 / (601 + 997))
    assert weight.abs().max().item() <= 3 * sigma
    assert weight.abs().max().item() > 2.9 * sigma
    assert weight.var().item() == pytest.approx(0.9733 * sigma**2, rel=0.01)


def test_linear_takes_device_and_dtype_by_keyword_only():
    assert Linear(IN, OUT, device="meta", dtype=torch.bfloat16).weight.dtype == torch.bfloat16
    with pytest.raises(TypeError):
        Linear(IN, OUT, "cpu")  # pyright: ignore[reportCallIssue]


def test_linear_prints_its_sizes():
    assert str(Linear(IN, OUT)) == "Linear(in_features=5, out_features=7)"
