"""From a configuration to the learning rate of a step: the only file that calls the chosen schedule."""

from collections.abc import Callable

from cs336_basics.optim.schedule import constant_schedule, cosine_schedule, wsd_schedule
from cs336_basics.training.config import RunConfig, ScheduleName


def learning_rate_of_step(config: RunConfig, step: int) -> float:
    """Return the learning rate of update number `step`, from 1 on: none is spent on a warm-up's 0."""
    return SCHEDULES[config.optimizer.schedule](config, step)


def cosine(config: RunConfig, step: int) -> float:
    """Fall along half a cosine from the end of the warm-up."""
    return cosine_schedule(
        step,
        config.optimizer.learning_rate,
        config.optimizer.lowest_learning_rate,
        config.optimizer.warmup_steps,
        config.cosine_steps,
    )


def warmup_stable_decay(config: RunConfig, step: int) -> float:
    """Stay at the highest rate and fall along a line in the last part of the run."""
    return wsd_schedule(
        step,
        config.optimizer.learning_rate,
        config.optimizer.lowest_learning_rate,
        warmup_steps=config.optimizer.warmup_steps,
        decay_steps=config.decay_steps,
        end_step=config.training.steps,
    )


def constant(config: RunConfig, step: int) -> float:
    """Stay at the highest rate."""
    return constant_schedule(step, config.optimizer.learning_rate, warmup_steps=config.optimizer.warmup_steps)


SCHEDULES: dict[ScheduleName, Callable[[RunConfig, int], float]] = {
    "cosine": cosine,
    "wsd": warmup_stable_decay,
    "constant": constant,
}
