"""The product of some vectors with a matrix that oneDNN has laid out for itself beforehand.

Worth it where the same weight is multiplied again and again, as for each new token of several texts. For all
weights of a model, 70 MB, in milliseconds on two cores of an AMD EPYC (Zen 4), one product soon after
another, where laying them out takes 35 (in an hour of slower memory than `block_product.py` tells
of), and of an Intel Xeon (Emerald Rapids), where it takes 23:

| vectors          |   1 |   4 |   5 |    8 |   16 |   32 |   64 |  256 |
| ---------------- | --- | --- | --- | ---- | ---- | ---- | ---- | ---- |
| AMD EPYC         |     |     |     |      |      |      |      |      |
| `linear`         | 2.6 | 3.8 | 7.9 |  8.4 | 10.2 | 12.7 | 18.6 | 54.9 |
| `packed_product` | 3.5 | 3.1 | 3.4 |  3.8 |  4.9 |  7.2 | 12.6 | 43.1 |
| Intel Xeon       |     |     |     |      |      |      |      |      |
| `linear`         | 1.4 | 2.5 | 2.6 |  3.6 |  7.1 |  8.6 |      |      |
| `packed_product` | 2.0 | 2.0 | 2.0 |  2.6 |  3.3 |  5.7 |      |      |

PyTorch keeps the two operators to itself, for what `torch.compile` makes, so nothing may rely on them: where
they do not work, weights stay as they are.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from cs336_basics.functional.plain_tensor import is_plain

SMALLEST_WEIGHT = 1 << 17  # entries; a smaller one stays in the cache, where other ways only cost more calls


class PackedWeight(NamedTuple):
    """A copy of a weight in oneDNN's layout, and which state of the weight it is a copy of."""

    weight: Tensor
    version: int
    address: int
    packed: Tensor

    def is_current(self) -> bool:
        """Say whether the weight is still what was copied."""
        return self.version == self.weight._version and self.address == self.weight.data_ptr()


_packed_weights: ContextVar[Mapping[int, PackedWeight]] = ContextVar("packed_weights")


@contextmanager
def packed_weights(weights: Iterable[Tensor]) -> Iterator[None]:
    """Lay out anew the weights that gain by it, for all products without gradients made inside.

    Like `torch.no_grad()` it holds for one thread, and must not span a `yield`. Until it ends these weights
    lie in memory twice. One that is changed meanwhile is used as it has become, unless by what PyTorch does
    not count: through `.data` or `.numpy()`, or by its fused optimizers. Forward-mode derivatives get
    nothing from here.
    """
    packed = {id(weight): pack(weight) for weight in weights if is_packable(weight)}
    before = _packed_weights.set({**_packed_weights.get({}), **packed})
    try:
        yield
    finally:
        _packed_weights.reset(before)


def packed_form(x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]) -> Tensor | None:
    """Return the weight's other layout, where there is one that serves the product with `x`; else None."""
    if torch.compiler.is_compiling():  # compilers choose layouts of their own
        return None
    entry = _packed_weights.get({}).get(id(weight))
    if entry is None or not entry.is_current() or x.shape[-1] != weight.shape[1]:
        return None
    return entry.packed if is_plain_inference(x) else None


def is_plain_inference(x: Tensor) -> bool:
    """Say whether a product with `x` is one of float32 on a CPU, and no gradient is asked of it."""
    return (
        x.is_cpu
        and x.dtype == torch.float32
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
    )


def is_packable(weight: Tensor) -> bool:
    """Say whether there is another layout for this weight, and whether it is large enough to gain by it."""
    return (
        weight.ndim == 2
        and weight.numel() >= SMALLEST_WEIGHT
        and weight.dtype == torch.float32
        and weight.is_cpu
        and is_plain(weight)
        and not weight.is_inference()  # has no version
        and not torch.is_autocast_enabled("cpu")  # computes in another type
        and torch.backends.mkldnn.enabled
        and packing_works()
    )


@cache
def packing_works() -> bool:
    """Find out, once, whether this PyTorch has the two operators as they are called here."""
    if not torch.backends.mkl.is_available():  # not one of the processors that this is for
        return False
    x, weight = (torch.ones(rows, 3, dtype=torch.float32, device="cpu") for rows in (1, 2))
    try:
        return torch.equal(packed_product(x, pack(weight).packed), x @ weight.T)
    except (AttributeError, TypeError, RuntimeError):
        return False


def pack(weight: Float[Tensor, "d_out d_in"]) -> PackedWeight:
    """Copy a weight into the layout that `packed_product` takes."""
    packed = torch.ops.mkldnn._reorder_linear_weight(weight.detach())
    return PackedWeight(weight, weight._version, weight.data_ptr(), packed)


def packed_product(x: Float[Tensor, "... d_in"], packed: Tensor) -> Float[Tensor, "... d_out"]:
    """Return `x @ weight.T` of the weight that was packed; there is no way back for gradients."""
    return torch.ops.mkldnn._linear_pointwise(x.detach(), packed, None, "none", [], "")
