"""Softmax, SiLU and the squared ReLU: computed in float32 or better, returned in the dtype of the input."""

import torch
from jaxtyping import Float
from torch import Tensor

from cs336_basics.functional.precision import at_least_float32


def softmax(x: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
    """Turn scores into probabilities along the axis `dim`: `exp(x_i) / sum_j exp(x_j)`.

    The largest score is subtracted first, which changes nothing in the quotient (so no gradient goes
    through it) but keeps `exp` from overflowing. Example: `softmax([0, log 3], dim=0)` is `[0.25, 0.75]`.

    Shapes: x (...) -> (...)
    """
    largest = at_least_float32(x.detach().amax(dim=dim, keepdim=True))
    shifted = x - largest  # in the wider type of the two
    exponentials = torch.exp(shifted)
    probabilities = exponentials / exponentials.sum(dim=dim, keepdim=True)
    return probabilities.to(x.dtype)


def silu(x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Return `x * sigmoid(x)` for each entry (Hendrycks and Gimpel 2016, arXiv:1606.08415).

    Shapes: x (...) -> (...)
    """
    wide = at_least_float32(x)
    activated = wide * torch.sigmoid(wide)
    return activated.to(x.dtype)


def relu_squared(x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Return `max(x, 0)^2` for each entry (So et al. 2021, "Primer", arXiv:2109.08668)."""
    wide = at_least_float32(x)
    activated = wide.clamp(min=0).square()
    return activated.to(x.dtype)
