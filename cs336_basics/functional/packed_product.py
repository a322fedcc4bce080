"""The product of some vectors with a matrix that oneDNN has laid out for itself beforehand.

Worth it where the same weight is multiplied again and again, as for each new token of several texts. For all
weights of a model, 70 MB, in milliseconds on two cores of an AMD EPYC (Zen 4), one product soon after
another, where laying them out takes 35:

| vectors          |   1 |   4 |   5 |    8 |   16 |   32 |   64 |  256 |
| ---------------- | --- | --- | --- | ---- | ---- | ---- | ---- | ---- |
| `linear`         | 2.6 | 3.8 | 7.9 |  8.4 | 10.2 | 12.7 | 18.6 | 54.9 |
| `packed_product` | 3.5 | 3.1 | 3.4 |  3.8 |  4.9 |  7.2 | 12.6 | 43.1 |

PyTorch keeps the two operators to itself, for what `torch.compile` makes, so nothing may rely on them: where
one is missing, `is_packable` says no.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.ops import mkldnn  # pyright: ignore[reportMissingImports] # oneDNN, by its former name

from cs336_basics.functional.linear import SMALLEST_WEIGHT


def is_packable(weight: Float[Tensor, "d_out d_in"]) -> bool:
    """Say whether there is another layout for this weight, and whether it is large enough to gain by it."""
    return (
        weight.numel() >= SMALLEST_WEIGHT
        and type(weight) in (Tensor, nn.Parameter)  # no part of a weight that several processes share
        and weight.dtype == torch.float32
        and weight.device.type == "cpu"
        and torch.backends.mkl.is_available()
        and hasattr(mkldnn, "_reorder_linear_weight")
        and hasattr(mkldnn, "_linear_pointwise")
        and not torch.is_autocast_enabled("cpu")
    )


def packed_product(
    weight: Float[Tensor, "d_out d_in"],
) -> Callable[[Float[Tensor, "... d_in"], Float[Tensor, "d_out d_in"]], Float[Tensor, "... d_out"]]:
    """Return a function that does what `linear` does for this one weight, as it is now, without gradients.

    It holds a copy of the weight, laid out anew; later changes of the weight do not reach it.
    """
    packed = mkldnn._reorder_linear_weight(weight.detach())

    def multiply(
        x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]
    ) -> Float[Tensor, "... d_out"]:
        return mkldnn._linear_pointwise(x, packed, None, "none", [], "")

    return multiply
