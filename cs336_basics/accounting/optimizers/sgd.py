"""The cost of `optim.sgd`."""

from cs336_basics.accounting.optimizers.cost import OptimizerCost, ParameterShapes, for_each_number

OPERATIONS = {"update: p - lr g": 2}


def sgd_cost(shapes: ParameterShapes) -> OptimizerCost:
    """Nothing is kept and nothing is temporary."""
    return OptimizerCost(state={}, temporary_bytes=0, operations=for_each_number(OPERATIONS, shapes))
