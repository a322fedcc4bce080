import pytest
import torch
from torch.nn import functional

from cs336_basics import Linear
from cs336_basics.functional.block_product import is_for_few_vectors, product_in_blocks

IN = 5


@pytest.mark.parametrize("leading", [(), (1,), (1, 1), (3,), (2, 2), (0,), (7,), (4, 4)], ids=str)
@pytest.mark.parametrize("out", [7, 16, 20, 96, 1, 8, 107])
def test_each_way_is_the_product(leading, out):
    x, weight = torch.randn(*leading, IN), torch.randn(out, IN)
    multiplied = product_in_blocks(x, weight)
    assert multiplied.shape == (*leading, out)
    torch.testing.assert_close(multiplied, functional.linear(x, weight), rtol=0, atol=2e-6)


def test_linear_of_few_vectors_is_the_same_with_and_without_gradients(monkeypatch):
    in_blocks = []

    def spy(x, weight):
        in_blocks.append(x.shape)
        return product_in_blocks(x, weight)

    monkeypatch.setattr("cs336_basics.functional.block_product.MKL_IS_SLOW", True)
    monkeypatch.setattr("cs336_basics.functional.linear.product_in_blocks", spy)
    linear, x = Linear(512, 256), torch.randn(2, 512)
    expected = linear(x)
    assert not in_blocks
    with torch.no_grad():
        torch.testing.assert_close(linear(x), expected, rtol=0, atol=1e-5)
    assert len(in_blocks) == 1


def test_blocks_are_for_few_vectors_and_large_weights_in_float32_when_no_gradient_is_asked(monkeypatch):
    monkeypatch.setattr("cs336_basics.functional.block_product.MKL_IS_SLOW", True)
    few, many = torch.randn(4, 512), torch.randn(5, 512)
    weight, small_weight = torch.randn(257, 512), torch.randn(16, 512)
    assert not is_for_few_vectors(few, weight)
    with torch.no_grad():
        assert is_for_few_vectors(few, weight)
        assert not is_for_few_vectors(few, small_weight)
        assert not is_for_few_vectors(many, weight)
        assert not is_for_few_vectors(few.double(), weight)
        assert not is_for_few_vectors(few.bfloat16(), weight)
        assert not is_for_few_vectors(few.to("meta"), weight)
        with torch.autocast("cpu", torch.bfloat16):
            assert not is_for_few_vectors(few, weight)
        monkeypatch.setattr("cs336_basics.functional.block_product.MKL_IS_SLOW", False)
        assert not is_for_few_vectors(few, weight)
