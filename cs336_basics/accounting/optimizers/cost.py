"""What can be asked about an optimizer, beside the gradients that each of them needs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from cs336_basics.accounting.batch import FLOAT32_BYTES
from cs336_basics.accounting.parts.part import MatrixProduct

ParameterShapes = Mapping[str, tuple[int, ...]]
"""The shape of each parameter by its name, as `parameter_shapes` returns them."""


@dataclass(frozen=True, kw_only=True)
class OptimizerCost:
    """The cost of one step, for all parameters together."""

    state: dict[str, int]
    """What is kept from step to step, in float32 numbers."""
    temporary_bytes: int
    """The most that exists during a step besides the state."""
    operations: dict[str, int]
    """Floating point operations on single numbers, line by line; a root counts as one."""
    products: tuple[MatrixProduct, ...] = ()
    """The matrix products."""

    @property
    def state_bytes(self) -> int:
        """The memory of the state."""
        return FLOAT32_BYTES * sum(self.state.values())

    @property
    def product_flops(self) -> int:
        """Floating point operations of the products."""
        return sum(product.flops for product in self.products)

    @property
    def flops(self) -> int:
        """All floating point operations."""
        return sum(self.operations.values()) + self.product_flops


def count_numbers(shapes: ParameterShapes) -> int:
    """Return the numbers of all parameters."""
    return sum(math.prod(shape) for shape in shapes.values())


def for_each_number(operations: dict[str, int], shapes: ParameterShapes) -> dict[str, int]:
    """Return operations that are done so many times for each number of each parameter."""
    return {line: times * count_numbers(shapes) for line, times in operations.items()}


def combined(parts: Mapping[str, OptimizerCost]) -> OptimizerCost:
    """Return the cost of optimizers that step one after another, their lines by the names given."""
    return OptimizerCost(
        state={f"{name}: {line}": size for name, part in parts.items() for line, size in part.state.items()},
        temporary_bytes=max(part.temporary_bytes for part in parts.values()),
        operations={
            f"{name}: {line}": flops
            for name, part in parts.items()
            for line, flops in part.operations.items()
        },
        products=tuple(product for part in parts.values() for product in part.products),
    )
