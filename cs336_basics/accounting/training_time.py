"""How long training takes on a machine of a given speed."""

import math

from cs336_basics.accounting.batch import Batch
from cs336_basics.accounting.matrix_products import training_flops
from cs336_basics.accounting.optimizer_cost import optimizer_cost
from cs336_basics.accounting.optimizers.choice import OptimizerName
from cs336_basics.nn.config import ModelConfig


def training_seconds(
    config: ModelConfig,
    batch: Batch,
    *,
    steps: int,
    peak_flops: float,
    utilization: float = 0.5,
    recompute: bool = False,
    optimizer: OptimizerName = "adamw",
) -> float:
    """Return the time of `steps` steps, each on a batch like `batch`: that of all their matrix products.

    `peak_flops` are the operations of the machine in a second at best, `utilization` the share of them that
    training reaches (MFU: Chowdhery et al. 2022, arXiv:2204.02311, appendix B).
    """
    if steps < 0:
        raise ValueError(f"steps must not be negative but are {steps}")
    if not (peak_flops > 0 and math.isfinite(peak_flops)):
        raise ValueError(f"peak_flops must be positive and finite but is {peak_flops}; 495e12 is an H100")
    if not 0 < utilization <= 1:
        raise ValueError(f"utilization must be in (0, 1] but is {utilization}; 0.5 is a good one")
    update = optimizer_cost(config, optimizer=optimizer).product_flops
    each = training_flops(config, batch, recompute=recompute) + update
    return steps * each / (peak_flops * utilization)
