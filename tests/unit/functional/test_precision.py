from functools import partial

import pytest
import torch

from cs336_basics.functional.activation import relu_squared, silu, softmax
from cs336_basics.functional.precision import at_least_float32


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
    ids=str,
)
def test_at_least_float32_widens_only_what_is_narrower(narrow, wide):
    x = torch.randn(3).to(narrow)
    assert at_least_float32(x).dtype == wide
    assert torch.equal(at_least_float32(x).to(narrow), x)


def test_at_least_float32_makes_no_copy_of_what_is_wide_enough():
    x = torch.randn(3)
    assert at_least_float32(x) is x


@pytest.mark.without_type_checks
@pytest.mark.parametrize("function", [partial(softmax, dim=0), silu, relu_squared, at_least_float32])
def test_integers_are_refused_rather_than_cut_off(function):
    with pytest.raises(TypeError, match=r"must be floating-point but are torch.int64; convert them with"):
        function(torch.tensor([1, 2, 3]))
