"""Mean, variance and range of the weights that a rule draws: by its formula, and as found in a matrix.

The formulas are those of the table in `cs336_basics.nn.init`, the variances those after cutting.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from cs336_basics.nn.init import MATRIX_RULES

MEAN_TOLERANCE = 5  # standard errors of the mean
VARIANCE_TOLERANCE = 0.03  # of the variance; `sparse` draws only a tenth of its entries
BOUND_TOLERANCE = 1e-5  # of the bound, which is rounded to float32


@dataclass(frozen=True, kw_only=True)
class Moments:
    """What can be said of the entries of a matrix."""

    mean: float
    variance: float
    lowest: float
    """No entry lies below."""
    highest: float
    """No entry lies above."""

    def agrees_with(self, formula: "Moments", num_entries: int) -> bool:
        """Say whether a matrix of so many entries may well have been drawn by the formula."""
        standard_error = math.sqrt(formula.variance / num_entries)
        mean_agrees = abs(self.mean - formula.mean) <= MEAN_TOLERANCE * standard_error + 1e-7
        variance_agrees = abs(self.variance - formula.variance) <= VARIANCE_TOLERANCE * formula.variance
        margin = BOUND_TOLERANCE * max(abs(self.lowest), abs(self.highest))
        range_agrees = formula.lowest - margin <= self.lowest and self.highest <= formula.highest + margin
        return mean_agrees and variance_agrees and range_agrees


def found_moments(rule: str, fan_out: int, fan_in: int, *, generator: torch.Generator) -> Moments:
    """Draw a matrix by a rule and measure it."""
    weight = torch.empty(fan_out, fan_in)
    MATRIX_RULES[rule](weight, generator=generator)
    weight = weight.double()
    return Moments(
        mean=weight.mean().item(),
        variance=weight.var(correction=0).item(),
        lowest=weight.min().item(),
        highest=weight.max().item(),
    )


def formula_moments(rule: str, fan_out: int, fan_in: int) -> Moments:
    """Return what the entries of a matrix of this rule should have."""
    return FORMULAS[rule](fan_out, fan_in)


def cut_normal(sigma: float, cut: float) -> Moments:
    """Return the moments of N(0, sigma^2), cut at `cut` sigma."""
    density = math.exp(-(cut**2) / 2) / math.sqrt(2 * math.pi)
    share_inside = math.erf(cut / math.sqrt(2))
    variance = sigma**2 * (1 - 2 * cut * density / share_inside)
    return Moments(mean=0.0, variance=variance, lowest=-cut * sigma, highest=cut * sigma)


def whole_normal(sigma: float) -> Moments:
    """Return the moments of N(0, sigma^2)."""
    return Moments(mean=0.0, variance=sigma**2, lowest=-math.inf, highest=math.inf)


def uniform_within(bound: float) -> Moments:
    """Return the moments of the uniform distribution on +-bound."""
    return Moments(mean=0.0, variance=bound**2 / 3, lowest=-bound, highest=bound)


def always(value: float) -> Moments:
    """Return the moments of one value."""
    return Moments(mean=value, variance=0.0, lowest=value, highest=value)


def orthonormal(fan_out: int, fan_in: int) -> Moments:
    """Return the moments of orthonormal rows or columns."""
    return Moments(mean=0.0, variance=1 / max(fan_out, fan_in), lowest=-1.0, highest=1.0)


def diagonal(fan_out: int, fan_in: int) -> Moments:
    """Return the moments of ones on the diagonal and zeros elsewhere."""
    share_of_ones = 1 / max(fan_out, fan_in)
    return Moments(mean=share_of_ones, variance=share_of_ones * (1 - share_of_ones), lowest=0.0, highest=1.0)


def mostly_zeros(fan_out: int, fan_in: int) -> Moments:
    """Return the moments of columns with 90% zeros and the rest from N(0, 0.01^2)."""
    share_drawn = 1 - math.ceil(0.9 * fan_out) / fan_out
    return Moments(mean=0.0, variance=share_drawn * 0.01**2, lowest=-math.inf, highest=math.inf)


FORMULAS: dict[str, Callable[[int, int], Moments]] = {
    "trunc_normal": lambda fan_out, fan_in: cut_normal(math.sqrt(2 / (fan_in + fan_out)), 3.0),
    "trunc_normal_002": lambda fan_out, fan_in: cut_normal(0.02, 2.0),
    "normal": lambda fan_out, fan_in: whole_normal(0.02),
    "uniform": lambda fan_out, fan_in: uniform_within(1 / math.sqrt(fan_in)),
    "xavier_uniform": lambda fan_out, fan_in: uniform_within(math.sqrt(6 / (fan_in + fan_out))),
    "xavier_normal": lambda fan_out, fan_in: whole_normal(math.sqrt(2 / (fan_in + fan_out))),
    "kaiming_uniform": lambda fan_out, fan_in: uniform_within(math.sqrt(6 / fan_in)),
    "kaiming_normal": lambda fan_out, fan_in: whole_normal(math.sqrt(2 / fan_in)),
    "orthogonal": orthonormal,
    "constant": lambda fan_out, fan_in: always(0.5),
    "zeros": lambda fan_out, fan_in: always(0.0),
    "ones": lambda fan_out, fan_in: always(1.0),
    "eye": diagonal,
    "sparse": mostly_zeros,
}
