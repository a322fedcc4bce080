import pytest
import torch

from cs336_basics.optim.newton_schulz import COEFFICIENTS, orthogonalize

SHAPES = [(1, 1), (7, 7), (5, 13), (13, 5), (1, 11), (31, 29)]


def with_singular_values(
    shape: tuple[int, int], values: torch.Tensor, seed: int = 3
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return U, V with orthonormal columns and U diag(values) V^T, a matrix of `shape`, in float64."""
    generator = torch.Generator().manual_seed(seed)
    sides = [torch.randn(size, len(values), generator=generator, dtype=torch.float64) for size in shape]
    u, v = (torch.linalg.qr(side).Q for side in sides)
    return u, v, u @ torch.diag(values) @ v.mT


def iterated(values: torch.Tensor, steps: int) -> torch.Tensor:
    """Apply the polynomial to each number."""
    a, b, c = COEFFICIENTS
    for _ in range(steps):
        values = a * values + b * values**3 + c * values**5
    return values


@pytest.mark.parametrize("steps", [0, 1, 5])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("condition", [1.0, 30.0])
def test_orthogonalize_applies_the_polynomial_to_the_singular_values_and_keeps_the_vectors(
    shape, condition, steps
):
    values = torch.logspace(0, 1, min(shape), dtype=torch.float64).log10() * (condition - 1) + 1
    u, v, matrix = with_singular_values(shape, values)
    found = orthogonalize(17 * matrix, steps, eps=0.0)
    expected = torch.diag(iterated(values / values.norm(), steps))
    torch.testing.assert_close(u.mT @ found @ v, expected, rtol=0, atol=1e-11)
    torch.testing.assert_close(u @ expected @ v.mT, found, rtol=0, atol=1e-11)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_five_steps_bring_the_singular_values_of_random_matrices_near_one(shape, seed):
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(shape, generator=generator)
    u, values, v = torch.linalg.svd(matrix.double(), full_matrices=False)
    assert values.min() / values.norm() > 0.002, "what five steps are made for"
    rotated = u.mT @ orthogonalize(matrix).double() @ v.mT
    assert rotated.diagonal().min() > 0.6
    assert rotated.diagonal().max() < 1.21
    torch.testing.assert_close(rotated, torch.diag(rotated.diagonal()), rtol=0, atol=2e-5)


@pytest.mark.parametrize("smallest", [0.002, 0.01, 0.1])
def test_five_steps_keep_the_promise_of_the_docstring_down_to_the_smallest_singular_value(smallest):
    large = torch.tensor([1.0], dtype=torch.float64)
    values = torch.cat([large, torch.linspace(smallest, 0.3, 22, dtype=torch.float64)])
    values[0] = (1 - values[1:].square().sum().clamp(max=0.9)).sqrt()
    _, _, matrix = with_singular_values((23, 41), values)
    found = torch.linalg.svdvals(orthogonalize(matrix / values.norm()))
    assert found.min() > 0.68
    assert found.max() < 1.21


def test_orthogonalize_of_a_batch_is_that_of_each_matrix():
    batch = torch.randn(2, 3, 5, 7, dtype=torch.float64)
    together = orthogonalize(batch)
    for i in range(2):
        for j in range(3):
            torch.testing.assert_close(together[i, j], orthogonalize(batch[i, j]), rtol=0, atol=1e-12)


def test_orthogonalize_of_the_transpose_is_the_transpose():
    matrix = torch.randn(11, 5, dtype=torch.float64)
    torch.testing.assert_close(orthogonalize(matrix.mT), orthogonalize(matrix).mT, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-4, 1e15])
def test_orthogonalize_does_not_depend_on_the_size_of_its_argument(scale):
    matrix = torch.randn(5, 7)
    torch.testing.assert_close(orthogonalize(scale * matrix), orthogonalize(matrix), rtol=0, atol=0.01)


def test_orthogonalize_leaves_zeros_zero():
    assert torch.equal(orthogonalize(torch.zeros(3, 5)), torch.zeros(3, 5))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_orthogonalize_returns_the_type_of_its_argument_and_does_not_change_it(dtype):
    matrix = torch.randn(5, 7).to(dtype)
    before = matrix.clone()
    assert orthogonalize(matrix).dtype == dtype
    assert orthogonalize(matrix, dtype=torch.bfloat16).dtype == dtype
    assert torch.equal(matrix, before)


def test_orthogonalize_in_bfloat16_is_near_that_in_float64():
    matrix = torch.randn(13, 37)
    exact = orthogonalize(matrix.double()).float()
    coarse = orthogonalize(matrix, dtype=torch.bfloat16)
    assert torch.equal(coarse, coarse.bfloat16().float())
    assert 1e-4 < (coarse - exact).norm() / exact.norm() < 0.03


def test_orthogonalize_refuses_a_negative_number_of_steps():
    with pytest.raises(ValueError, match="steps must not be negative but is -1"):
        orthogonalize(torch.ones(2, 3), -1)
