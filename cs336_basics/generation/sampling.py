"""From logits to one token: temperature, top-p (nucleus) and the draw."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from cs336_basics.functional.activation import softmax
from cs336_basics.functional.precision import at_least_float32


def sample_token(
    logits: Float[Tensor, "batch vocab"],
    *,
    temperature: float,
    top_p: float,
    generator: torch.Generator | None = None,
) -> Int64[Tensor, "batch"]:
    """Draw one token for each row; a temperature of 0 takes the most likely one and draws nothing."""
    if temperature == 0:
        return logits.argmax(dim=-1)
    probabilities = next_token_probabilities(logits, temperature=temperature, top_p=top_p)
    return torch.multinomial(probabilities, num_samples=1, generator=generator).squeeze(-1)


def next_token_probabilities(
    logits: Float[Tensor, "batch vocab"], *, temperature: float, top_p: float
) -> Float[Tensor, "batch vocab"]:
    """Return `softmax(logits / temperature)`, reduced to the nucleus of mass `top_p`, in float32 or better.

    The largest logit is subtracted before the division, so that no temperature overflows; one too small for
    the dtype is taken as its smallest number, which already is the limit of the most likely token.
    """
    wide_logits = at_least_float32(logits)
    shifted = wide_logits - wide_logits.amax(dim=-1, keepdim=True)
    divisor = max(temperature, torch.finfo(shifted.dtype).tiny)
    probabilities = softmax(shifted / divisor, dim=-1)
    return keep_top_p(probabilities, top_p)


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
    kept_in_order = descending.masked_fill(mass_before >= top_p, 0.0)
    kept = torch.zeros_like(probabilities).scatter(-1, order, kept_in_order)
    return kept / kept.sum(dim=-1, keepdim=True)
