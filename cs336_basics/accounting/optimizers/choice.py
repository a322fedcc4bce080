"""Which parameters an optimizer of a training run updates, as `training.build_optimizer` has it."""

from collections.abc import Callable
from typing import Literal

from cs336_basics.accounting.batch import Precision
from cs336_basics.accounting.optimizers.adamw import adamw_cost
from cs336_basics.accounting.optimizers.cost import OptimizerCost, ParameterShapes, combined
from cs336_basics.accounting.optimizers.muon import muon_cost
from cs336_basics.accounting.optimizers.sgd import sgd_cost
from cs336_basics.accounting.parts.build import is_in_a_block

OptimizerName = Literal["adamw", "sgd", "muon"]


def adamw(shapes: ParameterShapes, precision: Precision) -> OptimizerCost:
    """AdamW for everything, in float32 whatever the precision of the model's products."""
    return adamw_cost(shapes)


def sgd(shapes: ParameterShapes, precision: Precision) -> OptimizerCost:
    """SGD for everything."""
    return sgd_cost(shapes)


def muon(shapes: ParameterShapes, precision: Precision) -> OptimizerCost:
    """Muon for the matrices of the blocks and AdamW for embedding, head and the gains of the norms."""
    matrices = {name: shape for name, shape in shapes.items() if is_in_a_block(name) and len(shape) >= 2}
    others = {name: shape for name, shape in shapes.items() if name not in matrices}
    return combined({"muon": muon_cost(matrices, precision), "adamw": adamw_cost(others)})


OPTIMIZERS: dict[OptimizerName, Callable[[ParameterShapes, Precision], OptimizerCost]] = {
    "adamw": adamw,
    "sgd": sgd,
    "muon": muon,
}
