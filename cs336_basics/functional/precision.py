"""The one rule for precision: sums and exponentials are computed in float32 or better."""

import torch
from jaxtyping import Float
from torch import Tensor


def at_least_float32(x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Return `x` in float32 if its type is narrower (float16, bfloat16), and `x` itself if not."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
