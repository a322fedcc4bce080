"""The soft cap of logits (Gemma 2, arXiv:2408.00118, section 2): nearly the identity near 0."""

import torch
from jaxtyping import Float
from torch import Tensor

from cs336_basics.functional.precision import at_least_float32


def softcap(x: Float[Tensor, "..."], cap: float) -> Float[Tensor, "..."]:
    """Return `cap * tanh(x / cap)`, in float32 or better and then in the dtype of `x`."""
    capped = cap * torch.tanh(at_least_float32(x) / cap)
    return capped.to(x.dtype)


def softcap_slope(capped: Float[Tensor, "..."], cap: float) -> Float[Tensor, "..."]:
    """Return the derivative of `softcap` where its result is `capped`: `1 - (capped / cap)^2`."""
    return 1 - (capped / cap).square()
