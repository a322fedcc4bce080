import pytest
import torch

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
