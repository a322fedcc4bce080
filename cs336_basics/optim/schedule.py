"""The learning-rate schedule: a pure function of the step."""

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
