"""The product of vectors with a matrix, and a quicker way to it for the new tokens of one or a few texts.

Where the weight is larger than the cache, a product with few vectors takes as long as reading the weight, if
the library that computes it reads it well. MKL does on an Intel processor and does not on an AMD one. For
all weights of a model, 70 MB, in milliseconds on two cores, one product soon after another:

| vectors                      |   1 |    2 |   4 |
| ---------------------------- | --- | ---- | --- |
| Intel Xeon (Sapphire Rapids) |     |      |     |
| `product`                    | 2.0 |  2.2 | 3.2 |
| `product_in_blocks`          | 4.5 |  4.7 | 4.6 |
| AMD EPYC (Zen 4)             |     |      |     |
| `product`                    | 6.7 | 10.8 | 9.3 |
| `product_in_blocks`          | 2.0 |  2.2 | 3.3 |

For more vectors see `packed_product.py`.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from cs336_basics.functional.processor import is_intel

FEW_VECTORS = 4
LARGEST_BLOCK = 32  # rows of the weight
SMALLEST_WEIGHT = 1 << 17  # entries; a smaller one stays in the cache, where other ways only cost more calls
BLOCKS_ARE_QUICKER = torch.backends.mkl.is_available() and not is_intel()


def linear(x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]) -> Float[Tensor, "... d_out"]:
    """Return `einsum(x, weight, "... d_in, d_out d_in -> ... d_out")`, in the quickest way."""
    multiply = product_in_blocks if is_for_few_vectors(x, weight) else product
    return multiply(x, weight)


def product(x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]) -> Float[Tensor, "... d_out"]:
    """Return `x @ weight.T`: two thirds of einsum's time on a CPU, because einsum copies its operands."""
    return x @ weight.T


def is_for_few_vectors(x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]) -> bool:
    """Say whether reading the weight is most of the work, as it is for the new tokens of a few texts."""
    return (
        BLOCKS_ARE_QUICKER
        and x.numel() <= FEW_VECTORS * weight.shape[1]
        and weight.numel() >= SMALLEST_WEIGHT
        and x.is_cpu
        and x.dtype == torch.float32
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
    )


def product_in_blocks(
    x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]
) -> Float[Tensor, "... d_out"]:
    """Return `x @ weight.T` as many small products, with a few rows of the weight each."""
    d_out, d_in = weight.shape
    rows = math.gcd(d_out, LARGEST_BLOCK)
    blocks = weight.view(-1, rows, d_in)
    vectors = x.reshape(1, -1, d_in).mT.expand(len(blocks), -1, -1)
    products = torch.bmm(blocks, vectors)  # (blocks, rows, vectors)
    return products.view(d_out, -1).mT.reshape(*x.shape[:-1], d_out)
