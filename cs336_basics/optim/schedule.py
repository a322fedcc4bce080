"""Learning-rate schedules: pure functions of the step."""

import math


def cosine_schedule(
    it: int,
    max_learning_rate: float,
    min_learning_rate: float,
    warmup_iters: int,
    cosine_cycle_iters: int,
) -> float:
    """Return the learning rate at step `it`: a linear warm-up from 0, half a cosine down, then constant.

    Source: Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts, as in Llama's training.
    The maximum is reached at `it = warmup_iters`, the minimum at `it = cosine_cycle_iters`.
    """
    if it < warmup_iters:
        return max_learning_rate * it / warmup_iters
    if it >= cosine_cycle_iters:
        return min_learning_rate
    progress = (it - warmup_iters) / (cosine_cycle_iters - warmup_iters)
    height = (1 + math.cos(math.pi * progress)) / 2
    return min_learning_rate + height * (max_learning_rate - min_learning_rate)


def wsd_schedule(
    step: int,
    max_learning_rate: float,
    min_learning_rate: float,
    *,
    warmup_steps: int,
    decay_steps: int,
    end_step: int,
) -> float:
    """Return the learning rate at `step`: a linear warm-up from 0, the maximum, a linear decay at the end.

    Source: "warmup-stable-decay" of Hu et al. 2024 (MiniCPM, arXiv:2404.06395), with the linear decay of
    Hägele et al. 2024, arXiv:2405.18392. The decay takes the last `decay_steps` before `end_step`, where the
    minimum is reached and kept. Where warm-up and decay overlap, the lower of the two rates holds.
    """
    if decay_steps < 1:
        raise ValueError(f"decay_steps must be at least 1 but is {decay_steps}")
    rising = max_learning_rate * warmed_up(step, warmup_steps)
    remaining = min(1.0, (end_step - step) / decay_steps) if step < end_step else 0.0
    falling = min_learning_rate + remaining * (max_learning_rate - min_learning_rate)
    return min(rising, falling)


def constant_schedule(step: int, learning_rate: float, *, warmup_steps: int) -> float:
    """Return the learning rate at `step`: a linear warm-up from 0, then the same to the end."""
    return learning_rate * warmed_up(step, warmup_steps)


def warmed_up(step: int, warmup_steps: int) -> float:
    """Return which share of the highest learning rate the warm-up has reached: 0 at step 0, 1 at its end."""
    return step / warmup_steps if step < warmup_steps else 1.0
