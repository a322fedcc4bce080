"""From logits to one token: temperature, top-p (nucleus) and the draw.

`keep_top_p` is the definition of the nucleus, and sorts the whole vocabulary. `draw_from_nucleus` draws from
the same distribution without sorting.
"""

import math

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from cs336_basics.functional.activation import softmax
from cs336_basics.functional.precision import at_least_float32, widest_dtype

TRIALS = 8  # draws of rejection sampling before the vocabulary is sorted after all


def sample_token(
    logits: Float[Tensor, "batch vocab"],
    *,
    temperature: float,
    top_p: float,
    generator: torch.Generator | None = None,
) -> Int64[Tensor, "batch"]:
    """Draw one token for each row; a temperature of 0 takes the most likely one and draws nothing."""
    if temperature == 0:
        largest, likeliest = logits.max(dim=-1)
        check_finite(largest)
        return likeliest
    probabilities = next_token_probabilities(logits, temperature=temperature)
    if top_p >= 1:
        return draw(probabilities, generator=generator)
    return draw_from_nucleus(probabilities, top_p, generator=generator)


def next_token_probabilities(
    logits: Float[Tensor, "batch vocab"], *, temperature: float
) -> Float[Tensor, "batch vocab"]:
    """Return `softmax(logits / temperature)` in float32 or better.

    The largest logit is subtracted before the division, so that no temperature overflows; one too small for
    the dtype is taken as its smallest number, which already is the limit of the most likely token.
    """
    wide_logits = at_least_float32(logits)
    shifted = wide_logits - wide_logits.amax(dim=-1, keepdim=True)
    return softmax(shifted / above_zero(temperature, shifted), dim=-1)


def keep_top_p(probabilities: Float[Tensor, "batch vocab"], top_p: float) -> Float[Tensor, "batch vocab"]:
    """Keep the smallest set of most likely tokens whose mass reaches `top_p`, and rescale it to sum to 1.

    A token belongs to the set if the mass of all likelier ones is still below `top_p`; the likeliest always
    does. Source: Holtzman et al. 2019, arXiv:1904.09751. Example: with `top_p=0.7`, `[0.5, 0.3, 0.2]`
    becomes `[0.625, 0.375, 0]`.
    """
    if top_p >= 1:
        return probabilities
    descending, order = probabilities.sort(dim=-1, descending=True, stable=True)
    mass_before = descending.cumsum(dim=-1) - descending
    kept_in_order = descending.masked_fill(mass_before >= above_zero(top_p, probabilities), 0.0)
    kept = torch.zeros_like(probabilities).scatter(-1, order, kept_in_order)
    return kept / kept.sum(dim=-1, keepdim=True)


def draw(
    probabilities: Float[Tensor, "batch vocab"], *, generator: torch.Generator | None = None
) -> Int64[Tensor, "batch"]:
    """Draw a token for each row by inverse transform sampling.

    The cumulative probabilities cut the interval (0, 1] into one piece for each token; the token whose piece
    holds a uniform random point is taken. The point is never 0, so a token of probability 0 is never drawn.
    """
    ends = probabilities.to(widest_dtype(probabilities.device)).cumsum(dim=-1)
    whole_way = ends[:, -1:]
    check_finite(whole_way)
    points = 1 - torch.rand(whole_way.shape, generator=generator, dtype=ends.dtype, device=ends.device)
    return torch.searchsorted(ends, points * whole_way).squeeze(-1)


def check_finite(outcome: Float[Tensor, "..."]) -> None:
    """Raise `ValueError` if what was computed from logits tells that they were not finite."""
    if not all(map(math.isfinite, outcome.flatten().tolist())):
        raise ValueError(
            "logits must be finite to take a token by them but these hold NaN or infinity; use weights from "
            "before the training diverged"
        )


def draw_from_nucleus(
    probabilities: Float[Tensor, "batch vocab"], top_p: float, *, generator: torch.Generator | None = None
) -> Int64[Tensor, "batch"]:
    """Draw a token for each row from its nucleus by rejection sampling: as from `keep_top_p`, but quicker.

    A token outside the nucleus is rejected and another one drawn, so those that stay are distributed as
    inside it. A draw is accepted with probability `top_p` at least; what is still outside after `TRIALS`
    further draws is drawn from `keep_top_p`.
    """
    tokens = draw(probabilities, generator=generator)
    for _ in range(TRIALS):
        inside = in_nucleus(probabilities, tokens, top_p)
        if inside.all():
            return tokens
        tokens = torch.where(inside, tokens, draw(probabilities, generator=generator))
    inside = in_nucleus(probabilities, tokens, top_p)
    return torch.where(inside, tokens, draw(keep_top_p(probabilities, top_p), generator=generator))


def in_nucleus(
    probabilities: Float[Tensor, "batch vocab"], tokens: Int64[Tensor, "batch"], top_p: float
) -> Bool[Tensor, "batch"]:
    """Say of one token of each row whether the mass of all that come before it is below `top_p`.

    Before it come the likelier ones and, of those as likely, the ones with a lower id.
    """
    probability = probabilities.gather(-1, tokens[:, None])
    ids = torch.arange(probabilities.shape[-1], device=tokens.device)
    comes_before = (probabilities > probability) | ((probabilities == probability) & (ids < tokens[:, None]))
    mass_before = torch.where(comes_before, probabilities, 0.0).sum(dim=-1)
    return mass_before < above_zero(top_p, probabilities)


def above_zero(number: float, x: Float[Tensor, "..."]) -> float:
    """Return a positive number, or the smallest of the dtype of `x` where it would be 0 beside it."""
    return max(number, torch.finfo(x.dtype).tiny)
