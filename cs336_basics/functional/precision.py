"""The one rule for precision: sums and exponentials are computed in float32 or better."""

import torch
from jaxtyping import Float
from torch import Tensor

WIDE_DTYPES = (torch.float32, torch.float64)


def wide_dtype(x: Float[Tensor, "..."]) -> torch.dtype:
    """Return float32, or the type of `x` where that is wider; `TypeError` for integers."""
    if not x.is_floating_point():
        raise TypeError(f"numbers must be floating-point but are {x.dtype}; convert them with .float() first")
    return torch.promote_types(x.dtype, torch.float32)


def at_least_float32(x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Return `x` in float32 if its type is narrower (float16, bfloat16), and `x` itself if not."""
    return x if x.dtype in WIDE_DTYPES else x.to(wide_dtype(x))


def product_dtype(x: Float[Tensor, "..."]) -> torch.dtype:
    """Return the type for matrix products of `x`: autocast's where that is switched on, else `wide_dtype(x)`.

    Functions with a gradient of their own ask for it, because autocast does not reach into their backward
    pass.
    """
    if x.device.type == "meta":  # which holds shapes only, and which autocast does not know
        return wide_dtype(x)
    if torch.is_autocast_enabled(x.device.type) and x.dtype != torch.float64:
        return torch.get_autocast_dtype(x.device.type)
    return wide_dtype(x)


def widest_dtype(device: torch.device) -> torch.dtype:
    """Return the widest type for sums on a device: float64, which Apple's GPU does not have."""
    return torch.float32 if device.type == "mps" else torch.float64
