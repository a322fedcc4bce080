import pytest
import torch
from torch.nn import functional

from cs336_basics import Linear
from cs336_basics.functional.linear import is_for_blocks, product_in_blocks

IN = 5


@pytest.mark.parametrize("leading", [(), (1,), (1, 1), (3,), (2, 2), (0,), (7,), (4, 4)], ids=str)
@pytest.mark.parametrize("out", [7, 16, 20, 96, 1])
def test_product_in_blocks_is_the_product(leading, out):
    x, weight = torch.randn(*leading, IN), torch.randn(out, IN)
    product = product_in_blocks(x, weight)
    assert product.shape == (*leading, out)
    torch.testing.assert_close(product, functional.linear(x, weight), rtol=0, atol=2e-6)


def test_linear_of_few_vectors_is_the_same_with_and_without_gradients():
    linear, x = Linear(512, 257), torch.randn(2, 512)
    expected = linear(x)
    with torch.no_grad():
        torch.testing.assert_close(linear(x), expected, rtol=0, atol=1e-5)


def test_blocks_are_for_few_vectors_and_large_weights_in_float32_when_no_gradient_is_asked(monkeypatch):
    monkeypatch.setattr("torch.backends.mkl.is_available", lambda: True)
    few, some, many = torch.randn(4, 512), torch.randn(16, 512), torch.randn(17, 512)
    weight, odd_weight, small_weight = (torch.randn(rows, 512) for rows in (256, 257, 16))
    assert not is_for_blocks(few, weight)
    with torch.no_grad():
        assert is_for_blocks(few, weight)
        assert is_for_blocks(few, odd_weight)
        assert is_for_blocks(some, weight)
        assert not is_for_blocks(few, small_weight)
        assert not is_for_blocks(some, odd_weight)
        assert not is_for_blocks(many, weight)
        assert not is_for_blocks(few.double(), weight)
        assert not is_for_blocks(few.bfloat16(), weight)
        assert not is_for_blocks(few.to("meta"), weight)
        with torch.autocast("cpu", torch.bfloat16):
            assert not is_for_blocks(few, weight)
        monkeypatch.setattr("torch.backends.mkl.is_available", lambda: False)
        assert not is_for_blocks(few, weight)
