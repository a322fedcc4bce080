"""Rotary frequencies for a context longer than the one that a model was first trained on.

Source: Llama 3.1, whose report (Grattafiori et al. 2024, arXiv:2407.21783) leaves the formula to Meta's code
(`apply_scaling` in llama-models).

Pairs that turn often inside the original context tell near positions apart and stay as they are. Pairs that
do not complete one turn in it would meet angles that they have never seen: they turn `factor` times more
slowly. Between the two the frequency is a mixture.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def llama3_frequencies(
    frequencies: Float[Tensor, "pairs"],
    *,
    factor: float,
    slow_turns: float,
    fast_turns: float,
    original_context: int,
) -> Float[Tensor, "pairs"]:
    """Slow down each pair by how many whole turns it makes in `original_context` tokens.

    Fewer than `slow_turns`: by `factor`; more than `fast_turns`: not at all; between them
    `(1 - share) frequency / factor + share frequency`, where `share` grows linearly from 0 to 1 with the
    turns. `frequencies` are radians a token.
    """
    # In this order and precision, as published models do: far positions multiply the last bit.
    wavelengths = 2 * math.pi / frequencies
    slowed = frequencies / factor
    share = (original_context / wavelengths - slow_turns) / (fast_turns - slow_turns)
    mixed = (1 - share) * frequencies / factor + share * frequencies
    is_slow = wavelengths > original_context / slow_turns
    is_fast = wavelengths < original_context / fast_turns
    return torch.where(is_fast, frequencies, torch.where(is_slow, slowed, mixed))
