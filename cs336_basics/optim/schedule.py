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

    With warm-up `w = warmup_iters`, end `c = cosine_cycle_iters`, `highest = max_learning_rate` and
    `lowest = min_learning_rate`::

        it < w:         it / w * highest
        w <= it < c:    lowest + (1 + cos(pi * (it - w) / (c - w))) / 2 * (highest - lowest)
        c <= it:        lowest

    Source: Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts, as in Llama's training.
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

    With warm-up w, decay d and end e (`warmup_steps`, `decay_steps`, `end_step`), `highest =
    max_learning_rate` and `lowest = min_learning_rate`, the lower of::

        rising  = min(1, step / w) * highest
        falling = lowest + min(1, (e - step) / d) * (highest - lowest), from e on lowest

    Source: "warmup-stable-decay" of Hu et al. 2024 (MiniCPM, arXiv:2404.06395), with the linear decay of
    Hägele et al. 2024, arXiv:2405.18392.
    """
    if decay_steps < 1:
        raise ValueError(f"decay_steps must be at least 1 but is {decay_steps}")
    rising = max_learning_rate * warmed_up(step, warmup_steps)
    remaining = min(1.0, (end_step - step) / decay_steps) if step < end_step else 0.0
    falling = min_learning_rate + remaining * (max_learning_rate - min_learning_rate)
    return min(rising, falling)


def constant_schedule(step: int, learning_rate: float, *, warmup_steps: int) -> float:
    """Return the learning rate at `step`: `min(1, step / warmup_steps) * learning_rate`."""
    return learning_rate * warmed_up(step, warmup_steps)


def warmed_up(step: int, warmup_steps: int) -> float:
    """Return which share of the highest learning rate the warm-up has reached: 0 at step 0, 1 at its end."""
    return step / warmup_steps if step < warmup_steps else 1.0
