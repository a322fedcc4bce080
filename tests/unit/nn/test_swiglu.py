import pytest
import torch

from cs336_basics import SwiGLU
from tests.unit.references import swiglu_by_torch

D_MODEL, D_FF = 5, 11
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("leading", [(), (2, 3)], ids=str)
def test_swiglu_equals_torch_over_any_leading_axes(dtype, leading):
    swiglu = SwiGLU(D_MODEL, D_FF, dtype=dtype)
    x = torch.randn(*leading, D_MODEL, dtype=dtype)
    expected = swiglu_by_torch(x, swiglu.w1.weight, swiglu.w2.weight, swiglu.w3.weight)
    torch.testing.assert_close(swiglu(x).double(), expected, rtol=0, atol=TOLERANCE[dtype])


def test_swiglu_has_three_matrices():
    shapes = {name: tuple(weight.shape) for name, weight in SwiGLU(D_MODEL, D_FF).state_dict().items()}
    assert shapes == {
        "w1.weight": (D_FF, D_MODEL),
        "w2.weight": (D_MODEL, D_FF),
        "w3.weight": (D_FF, D_MODEL),
    }


def test_swiglu_chooses_the_inner_size_itself():
    assert SwiGLU(512, device="meta").w1.out_features == 1344
