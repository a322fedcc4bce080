import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.ops import mkldnn  # pyright: ignore[reportMissingImports]

from cs336_basics.functional.packed_product import is_packable, packed_product

IN, OUT = 513, 257  # a weight that is large enough

needs_packing = pytest.mark.skipif(
    not is_packable(torch.empty(OUT, IN)), reason="oneDNN lays no weights out on this machine"
)


@needs_packing
@pytest.mark.parametrize("leading", [(1,), (5, 1), (16,), (3, 67), (0,)], ids=str)
def test_packed_product_is_the_product(leading):
    x, weight = torch.randn(*leading, IN), torch.randn(OUT, IN)
    multiplied = packed_product(weight)(x, weight)
    assert multiplied.shape == (*leading, OUT)
    torch.testing.assert_close(multiplied, functional.linear(x, weight), rtol=0, atol=2e-4)


@needs_packing
def test_packed_product_of_scattered_vectors_is_the_product():
    x, weight = torch.randn(IN, 7).mT, torch.randn(OUT, IN)
    expected = functional.linear(x, weight)
    torch.testing.assert_close(packed_product(weight)(x, weight), expected, rtol=0, atol=2e-4)


@needs_packing
def test_packed_product_keeps_the_weight_that_it_was_made_of():
    x, weight = torch.randn(5, IN), torch.randn(OUT, IN)
    multiply, expected = packed_product(weight), functional.linear(x, weight)
    weight.zero_()
    torch.testing.assert_close(multiply(x, weight), expected, rtol=0, atol=2e-4)


def test_large_weights_in_float32_on_a_cpu_are_packable(monkeypatch):
    monkeypatch.setattr("torch.backends.mkl.is_available", lambda: True)
    weight = torch.randn(OUT, IN)
    assert is_packable(weight)
    assert is_packable(nn.Parameter(weight))
    assert not is_packable(weight[:255])
    assert not is_packable(weight.double())
    assert not is_packable(weight.bfloat16())
    assert not is_packable(weight.to("meta"))
    assert not is_packable(weight.as_subclass(PartOfAWeight))
    with torch.autocast("cpu", torch.bfloat16):
        assert not is_packable(weight)
    monkeypatch.setattr("torch.backends.mkl.is_available", lambda: False)
    assert not is_packable(weight)


@needs_packing
@pytest.mark.parametrize("missing", ["_reorder_linear_weight", "_linear_pointwise"])
def test_nothing_is_packable_where_an_operator_is_missing(monkeypatch, missing):
    operators = {"_reorder_linear_weight", "_linear_pointwise"} - {missing}
    fewer = type("Operators", (), {name: getattr(mkldnn, name) for name in operators})
    monkeypatch.setattr("cs336_basics.functional.packed_product.mkldnn", fewer)
    assert not is_packable(torch.randn(OUT, IN))


class PartOfAWeight(torch.Tensor):
    pass
