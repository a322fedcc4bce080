"""How many sequences fit into a given memory at once."""

import math
from collections.abc import Callable
from dataclasses import replace

from cs336_basics.accounting.batch import Batch
from cs336_basics.accounting.engines import Engine, one_process
from cs336_basics.accounting.memory import estimate_memory
from cs336_basics.accounting.optimizers.choice import OptimizerName
from cs336_basics.accounting.parts.build import LossForm
from cs336_basics.nn.config import ModelConfig


def largest_batch(
    config: ModelConfig,
    batch: Batch,
    memory_bytes: float,
    *,
    optimizer: OptimizerName = "adamw",
    loss: LossForm = "chunked",
    accumulation_steps: int = 1,
    recompute: bool = False,
    evaluates: bool = True,
    engine: Engine = one_process,
) -> int:
    """Return how many sequences like those of `batch` fit at once into `memory_bytes`; 0 for none.

    With `accumulation_steps` these are the sequences of one of so many parts: what the others have left, the
    gradients, is in memory too.
    With the `engine` of several processes, both are those of each. Memory without end is a `ValueError`.
    """
    if not math.isfinite(memory_bytes):
        raise ValueError(f"memory_bytes must be finite but is {memory_bytes}; give what the machine has")

    def fits(size: int) -> bool:
        estimate = estimate_memory(
            config,
            replace(batch, batch_size=size * accumulation_steps),
            optimizer=optimizer,
            loss=loss,
            accumulation_steps=accumulation_steps,
            recompute=recompute,
            evaluates=evaluates,
            engine=engine,
        )
        return estimate.peak <= memory_bytes

    return largest_that_fits(fits)


def largest_that_fits(fits: Callable[[int], bool]) -> int:
    """Return the largest whole number that `fits`, where each smaller one does too; 0 if 1 does not."""
    too_large = 1
    while fits(too_large):
        too_large *= 2
    fitting = too_large // 2
    while too_large - fitting > 1:
        middle = (fitting + too_large) // 2
        fitting, too_large = (middle, too_large) if fits(middle) else (fitting, middle)
    return fitting
