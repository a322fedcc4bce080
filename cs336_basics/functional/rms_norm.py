"""Root mean square layer normalisation (Zhang and Sennrich 2019, arXiv:1910.07467)."""

import torch
from jaxtyping import Float
from torch import Tensor

from cs336_basics.functional.precision import at_least_float32


def rms_norm(
    x: Float[Tensor, "... d_model"], gain: Float[Tensor, "d_model"], eps: float
) -> Float[Tensor, "... d_model"]:
    """Return `x / sqrt(mean(x^2) + eps) * gain` over the last axis, in the dtype of `x`.

    Computed in float32 or better: squares overflow narrower types.

    Shapes: x (... d_model), gain (d_model) -> (... d_model)
    """
    wide = at_least_float32(x)
    mean_square = wide.square().mean(dim=-1, keepdim=True)
    normalized = wide * torch.rsqrt(mean_square + eps)
    scaled = normalized * gain
    return scaled.to(x.dtype)
