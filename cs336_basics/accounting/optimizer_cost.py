"""What an optimizer costs besides the gradients: its state, its temporary tensors, its arithmetic."""

from dataclasses import dataclass
from typing import Literal

from cs336_basics.accounting.batch import FLOAT32_BYTES
from cs336_basics.accounting.parameters import count_parameters
from cs336_basics.nn.config import ModelConfig

OptimizerName = Literal["adamw", "sgd"]


@dataclass(frozen=True, kw_only=True)
class OptimizerCost:
    """The cost for each parameter."""

    state: tuple[str, ...]
    """What is kept from step to step, a float32 number each."""
    temporaries: int
    """Float32 numbers that exist during the update of one tensor."""
    operations: dict[str, int]
    """Floating point operations of a step, line by line; a root counts as one."""

    @property
    def flops(self) -> int:
        """All operations of a step."""
        return sum(self.operations.values())


OPTIMIZERS: dict[OptimizerName, OptimizerCost] = {
    "adamw": OptimizerCost(
        state=("first moment", "second moment"),
        temporaries=1,
        operations={
            "decay: p (1 - lr weight_decay)": 1,
            "first moment: m + (1 - beta1) (g - m)": 3,
            "second moment: beta2 v + (1 - beta2) g g": 4,
            "denominator: sqrt(v) + eps root_correction": 2,
            "update: p - step_size m / denominator": 3,
        },
    ),
    "sgd": OptimizerCost(state=(), temporaries=0, operations={"update: p - lr g": 2}),
}

CLIPPING_FLOPS_PER_PARAMETER = 3
"""A square and an addition for the norm, and the scaling."""


def optimizer_flops(config: ModelConfig, *, optimizer: OptimizerName = "adamw") -> int:
    """Return the operations of one step of the optimizer, without the clipping of gradients."""
    return OPTIMIZERS[optimizer].flops * count_parameters(config)


def optimizer_state_bytes(config: ModelConfig, *, optimizer: OptimizerName = "adamw") -> int:
    """Return the memory of what the optimizer keeps from step to step."""
    return FLOAT32_BYTES * len(OPTIMIZERS[optimizer].state) * count_parameters(config)
