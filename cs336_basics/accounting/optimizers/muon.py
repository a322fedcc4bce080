"""The cost of `optim.muon`, with the products of `optim.newton_schulz`."""

from collections import Counter

from cs336_basics.accounting.batch import FLOAT32_BYTES, Precision, bytes_of_products
from cs336_basics.accounting.optimizers.cost import (
    OptimizerCost,
    ParameterShapes,
    count_numbers,
    for_each_number,
)
from cs336_basics.accounting.parts.part import MatrixProduct

# As in `optim.muon`, which would load torch; a test holds them equal.
NEWTON_SCHULZ_STEPS = 5

OPERATIONS = {
    "momentum: momentum M + G": 2,
    "direction: G + momentum M": 2,
    "norm: squares and their sum": 2,
    "first X: direction / norm": 1,
    "decay: W (1 - lr weight_decay)": 1,
    "update: W - lr scale O": 2,
}
OPERATIONS_OF_POLYNOMIAL = 3
"""For each number of X X^T: both coefficients and the sum."""
OPERATIONS_OF_NEXT = 2
"""For each number of X: the coefficient and the sum."""


def muon_cost(shapes: ParameterShapes, precision: Precision) -> OptimizerCost:
    """A momentum for each matrix; matrices of one shape are made orthogonal together.

    The smaller axis of a matrix is that of its square products, whichever of the two it is.
    """
    alike = Counter(shapes.values())
    return OptimizerCost(
        state={"momentum": count_numbers(shapes)},
        temporary_bytes=max(
            (temporary_bytes(shape, count, precision) for shape, count in alike.items()), default=0
        ),
        operations={**for_each_number(OPERATIONS, shapes), **newton_schulz_operations(shapes)},
        products=newton_schulz_products(shapes),
    )


def newton_schulz_products(shapes: ParameterShapes) -> tuple[MatrixProduct, ...]:
    """Return the three products of all steps, once for each size of matrix."""
    sizes = Counter((min(shape), max(shape)) for shape in shapes.values())
    products = []
    for (short, long), count in sizes.items():
        times = NEWTON_SCHULZ_STEPS * count
        products += [
            MatrixProduct(name="Newton-Schulz: X X^T", m=short, k=long, n=short, count=times),
            MatrixProduct(name="Newton-Schulz: (X X^T)^2", m=short, k=short, n=short, count=times),
            MatrixProduct(name="Newton-Schulz: polynomial X", m=short, k=short, n=long, count=times),
        ]
    return tuple(products)


def newton_schulz_operations(shapes: ParameterShapes) -> dict[str, int]:
    """Return what is done to single numbers between the products."""
    squares = sum(min(shape) ** 2 for shape in shapes.values())
    return {
        "polynomial: b X X^T + c (X X^T)^2": NEWTON_SCHULZ_STEPS * OPERATIONS_OF_POLYNOMIAL * squares,
        "next X: a X + polynomial X": NEWTON_SCHULZ_STEPS * OPERATIONS_OF_NEXT * count_numbers(shapes),
    }


def temporary_bytes(shape: tuple[int, ...], count: int, precision: Precision) -> int:
    """Return the most that exists while `count` matrices of one shape are made orthogonal.

    That is at the end of a Newton-Schulz step: the directions in float32, and in the type of the products
    X, both terms of the next X and their sum, X X^T, and the polynomial.
    """
    numbers = count * shape[0] * shape[1]
    squares = count * min(shape) ** 2
    return FLOAT32_BYTES * numbers + bytes_of_products(precision) * (4 * numbers + 2 * squares)
