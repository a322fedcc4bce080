"""How many steps fit into the time that is given: measured on a copy that is thrown away."""

import statistics
import time

from cs336_basics.training.batches import batch_of_step
from cs336_basics.training.build_optimizer import new_optimizer
from cs336_basics.training.config import RunConfig
from cs336_basics.training.objective import NextTokenLoss
from cs336_basics.training.state import new_model
from cs336_basics.training.step import train_step
from cs336_basics.training.token_data import TokenData

WARM_UP_STEPS = 3  # the first ones also allocate memory and prepare kernels
MEASURED_SECONDS = 5.0


def steps_within(minutes: float, config: RunConfig, data: TokenData) -> int:
    """Return how many training steps take `minutes` on this machine, at least 1."""
    return max(1, int(minutes * 60 / seconds_per_step(config, data)))


def seconds_per_step(config: RunConfig, data: TokenData) -> float:
    """Return the median time of a training step, from a few seconds of them."""
    model = new_model(config)
    objective, optimizer = NextTokenLoss(model), new_optimizer(model, config)
    durations: list[float] = []
    while len(durations) <= WARM_UP_STEPS or sum(durations) < MEASURED_SECONDS:
        step = len(durations) + 1
        start = time.perf_counter()
        train_step(objective, optimizer, batch_of_step(data.train, config, step), config, step)
        durations.append(time.perf_counter() - start)
    return statistics.median(durations[WARM_UP_STEPS:])
