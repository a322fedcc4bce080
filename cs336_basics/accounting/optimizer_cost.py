"""What an optimizer costs besides the gradients: its state, its temporary tensors, its arithmetic."""

from cs336_basics.accounting.batch import Precision
from cs336_basics.accounting.optimizers.choice import OPTIMIZERS, OptimizerName
from cs336_basics.accounting.optimizers.cost import OptimizerCost
from cs336_basics.accounting.parameters import parameter_shapes
from cs336_basics.nn.config import ModelConfig

CLIPPING_FLOPS_PER_PARAMETER = 3
"""A square and an addition for the norm, and the scaling."""


def optimizer_cost(
    config: ModelConfig, *, optimizer: OptimizerName = "adamw", precision: Precision = "fp32"
) -> OptimizerCost:
    """Return everything about one step of the optimizer; `precision` is that of matrix products."""
    return OPTIMIZERS[optimizer](parameter_shapes(config), precision)


def optimizer_flops(config: ModelConfig, *, optimizer: OptimizerName = "adamw") -> int:
    """Return the operations of one step of the optimizer, without the clipping of gradients."""
    return optimizer_cost(config, optimizer=optimizer).flops


def optimizer_state_bytes(config: ModelConfig, *, optimizer: OptimizerName = "adamw") -> int:
    """Return the memory of what the optimizer keeps from step to step."""
    return optimizer_cost(config, optimizer=optimizer).state_bytes
