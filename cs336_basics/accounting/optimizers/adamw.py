"""The cost of `optim.adamw`."""

import math

from cs336_basics.accounting.batch import FLOAT32_BYTES
from cs336_basics.accounting.optimizers.cost import (
    OptimizerCost,
    ParameterShapes,
    count_numbers,
    for_each_number,
)

OPERATIONS = {
    "decay: p (1 - lr weight_decay)": 1,
    "first moment: m + (1 - beta1) (g - m)": 3,
    "second moment: beta2 v + (1 - beta2) g g": 4,
    "denominator: sqrt(v) + eps root_correction": 2,
    "update: p - step_size m / denominator": 3,
}


def adamw_cost(shapes: ParameterShapes) -> OptimizerCost:
    """Two moments for each parameter; the denominator of one parameter after another is temporary.

    On a CPU large parameters need none (`optim/adamw_kernel.py`), so this is an upper bound there.
    """
    each = count_numbers(shapes)
    largest = max(map(math.prod, shapes.values()), default=0)
    return OptimizerCost(
        state={"first moment": each, "second moment": each},
        temporary_bytes=FLOAT32_BYTES * largest,
        operations=for_each_number(OPERATIONS, shapes),
    )
