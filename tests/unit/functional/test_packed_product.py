"""A product by a packed weight is the product; `linear` takes it inside `packed_weights`, and only there."""

import platform
import threading

import pytest
import torch
from torch import nn
from torch.nn import functional

from cs336_basics.functional import linear as linear_file
from cs336_basics.functional.linear import linear
from cs336_basics.functional.packed_product import (
    is_packable,
    pack,
    packed_form,
    packed_product,
    packed_weights,
    packing_works,
)

IN, OUT = 513, 257  # a weight that is large enough

needs_packing = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64") or not torch.backends.mkl.is_available(),
    reason="weights are packed where PyTorch computes with MKL",
)


@pytest.fixture
def weight() -> nn.Parameter:
    torch.manual_seed(3)
    return nn.Parameter(torch.randn(OUT, IN))


@pytest.fixture
def packed_calls(monkeypatch) -> list[torch.Size]:
    calls = []

    def spy(x, packed):
        calls.append(x.shape)
        return packed_product(x, packed)

    monkeypatch.setattr(linear_file, "packed_product", spy)
    return calls


@needs_packing
@pytest.mark.parametrize("leading", [(), (1,), (5, 1), (16,), (3, 67), (0,)], ids=str)
def test_packed_product_is_the_product(weight, leading):
    x = torch.randn(*leading, IN)
    multiplied = packed_product(x, pack(weight).packed)
    assert multiplied.shape == (*leading, OUT)
    torch.testing.assert_close(multiplied, functional.linear(x, weight).detach(), rtol=0, atol=2e-4)


@needs_packing
def test_packed_product_takes_scattered_vectors_and_weights():
    x, weight = torch.randn(IN, 7).mT, torch.randn(IN, OUT).mT
    multiplied = packed_product(x, pack(weight).packed)
    torch.testing.assert_close(multiplied, functional.linear(x, weight), rtol=0, atol=2e-4)


@needs_packing
def test_linear_takes_the_packed_weight_inside_the_context_and_not_outside(weight, packed_calls):
    x = torch.randn(5, IN)
    expected = functional.linear(x, weight).detach()
    with torch.no_grad():
        with packed_weights([weight]):
            torch.testing.assert_close(linear(x, weight), expected, rtol=0, atol=2e-4)
        assert len(packed_calls) == 1
        torch.testing.assert_close(linear(x, weight), expected, rtol=0, atol=2e-4)
        assert len(packed_calls) == 1


@needs_packing
def test_the_context_ends_with_an_error_and_gives_an_outer_one_back(weight):
    other = nn.Parameter(torch.randn(OUT, IN))
    x = torch.randn(5, IN)
    with torch.no_grad(), packed_weights([weight]):
        with pytest.raises(ZeroDivisionError), packed_weights([other]):
            assert packed_form(x, other) is not None
            assert packed_form(x, weight) is not None
            raise ZeroDivisionError
        assert packed_form(x, other) is None
        assert packed_form(x, weight) is not None


def replace(weight: nn.Parameter) -> None:
    weight.data = torch.randn(OUT, IN)


@needs_packing
@pytest.mark.parametrize("change", [lambda weight: weight.mul_(2), replace], ids=["in place", "another"])
def test_a_weight_that_changes_is_used_as_it_has_become(weight, packed_calls, change):
    x = torch.randn(5, IN)
    with torch.no_grad(), packed_weights([weight]):
        change(weight)
        torch.testing.assert_close(linear(x, weight), functional.linear(x, weight), rtol=0, atol=4e-4)
    assert not packed_calls


@needs_packing
def test_gradients_narrow_types_autocast_and_other_threads_have_the_plain_product(weight):
    x = torch.randn(5, IN)
    seen = []
    with packed_weights([weight]):
        assert packed_form(x, weight) is None
        linear(x, weight).sum().backward()
        assert weight.grad is not None
        with torch.no_grad():
            assert packed_form(x, weight) is not None
            assert packed_form(x.double(), weight) is None
            assert packed_form(x.to("meta"), weight) is None
            with torch.autocast("cpu", torch.bfloat16):
                assert packed_form(x, weight) is None

            def look():
                with torch.no_grad():
                    seen.append(packed_form(x, weight))

            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
    assert seen == [None]


@needs_packing
@pytest.mark.without_type_checks
def test_vectors_of_another_length_are_refused_as_ever(weight):
    with torch.no_grad(), packed_weights([weight]), pytest.raises(RuntimeError, match="cannot be multiplied"):
        linear(torch.randn(5, IN - 1), weight)


def test_large_matrices_in_float32_on_a_cpu_are_packable(weight, monkeypatch):
    monkeypatch.setattr("cs336_basics.functional.packed_product.packing_works", lambda: True)
    assert is_packable(weight)
    assert is_packable(weight.detach())
    assert not is_packable(weight[:255])
    assert not is_packable(weight.detach().view(-1))
    assert not is_packable(weight.double())
    assert not is_packable(weight.bfloat16())
    assert not is_packable(weight.to("meta"))
    assert not is_packable(weight.detach().as_subclass(PartOfAWeight))
    with torch.inference_mode():
        assert not is_packable(torch.zeros(OUT, IN))
    with torch.autocast("cpu", torch.bfloat16):
        assert not is_packable(weight)
    monkeypatch.setattr("torch.backends.mkldnn.enabled", False)
    assert not is_packable(weight)
    monkeypatch.setattr("torch.backends.mkldnn.enabled", True)
    assert is_packable(weight)
    monkeypatch.setattr("cs336_basics.functional.packed_product.packing_works", lambda: False)
    assert not is_packable(weight)


@needs_packing
def test_packing_works_here_whatever_the_default_type():
    assert packing_works()
    torch.set_default_dtype(torch.float64)
    try:
        assert packing_works.__wrapped__()
    finally:
        torch.set_default_dtype(torch.float32)


class Renamed:
    """What a PyTorch would have whose operators have other names."""


class Changed(Renamed):
    """What one would have whose operators take other arguments."""

    @staticmethod
    def _reorder_linear_weight(weight):
        return weight

    @staticmethod
    def _linear_pointwise(x, weight):
        return x @ weight.T


class Wrong(Changed):
    """What one would have whose operators compute something else."""

    @staticmethod
    def _linear_pointwise(x, weight, *others):
        return 2 * x @ weight.T


@pytest.mark.parametrize("operators", [Renamed, Changed, Wrong])
def test_packing_does_not_work_where_the_operators_are_others(monkeypatch, operators):
    monkeypatch.setattr("torch.backends.mkl.is_available", lambda: True)
    monkeypatch.setattr("torch.ops.mkldnn", operators)
    assert not packing_works.__wrapped__()


class PartOfAWeight(torch.Tensor):
    pass
