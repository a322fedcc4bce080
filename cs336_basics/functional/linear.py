"""The product of vectors with a matrix, and quicker ways to it for the few vectors of generation.

Where the weight is larger than the cache, a product with few vectors takes as long as reading the weight, if
the library that computes it reads it well. MKL does on an Intel processor and does not on an AMD one. For
all weights of a model, 70 MB, in milliseconds on two cores, one product soon after another:

| vectors                      |   1 |    2 |   4 |   8 |  12 |  16 |
| ---------------------------- | --- | ---- | --- | --- | --- | --- |
| Intel Xeon (Sapphire Rapids) |     |      |     |     |     |     |
| `product`                    | 2.0 |  2.2 | 3.2 | 4.2 | 5.0 | 6.4 |
| `product_in_blocks`          | 4.5 |  4.7 | 4.6 | 3.5 | 4.2 | 6.0 |
| `product_from_the_left`      | 1.9 |  4.3 | 4.7 | 4.6 | 4.6 | 5.3 |
| AMD EPYC (Zen 4)             |     |      |     |     |     |     |
| `product`                    | 6.7 | 10.8 | 9.3 | 8.0 |     | 9.7 |
| `product_in_blocks`          | 2.0 |  2.2 | 3.3 | 5.4 |     | 7.3 |
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from cs336_basics.functional.processor import is_intel

FEW_VECTORS, SOME_VECTORS = 4, 16  # up to where other ways are much quicker, and quicker at all
MOST_IN_BLOCKS_ON_INTEL = 12
LARGEST_BLOCK, SMALLEST_BLOCK_FOR_SOME = 32, 16  # rows of the weight
SMALLEST_WEIGHT = 1 << 17  # entries; a smaller one stays in the cache, where other ways only cost more calls
IS_INTEL = is_intel()  # found out once: `torch.compile` cannot look into a file


def linear(x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]) -> Float[Tensor, "... d_out"]:
    """Return `einsum(x, weight, "... d_in, d_out d_in -> ... d_out")`, in the quickest way."""
    multiply = way_for_few_vectors(x, weight) if is_for_few_vectors(x, weight) else product
    return multiply(x, weight)


def product(x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]) -> Float[Tensor, "... d_out"]:
    """Return `x @ weight.T`: two thirds of einsum's time on a CPU, because einsum copies its operands."""
    return x @ weight.T


def is_for_few_vectors(x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]) -> bool:
    """Say whether reading the weight is most of the work, as it is for the new tokens of a few texts."""
    return (
        x.numel() <= SOME_VECTORS * weight.shape[1]
        and weight.numel() >= SMALLEST_WEIGHT
        and torch.backends.mkl.is_available()
        and x.dtype == torch.float32
        and x.device.type == "cpu"
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
    )


def way_for_few_vectors(
    x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the quickest of the ways below for these sizes, on this processor."""
    d_out, d_in = weight.shape
    vectors = x.numel() // d_in
    are_few, in_blocks = vectors <= FEW_VECTORS, d_out % SMALLEST_BLOCK_FOR_SOME == 0
    if not IS_INTEL:
        return product_in_blocks if are_few or in_blocks else product
    if vectors > MOST_IN_BLOCKS_ON_INTEL:
        return product_from_the_left
    return product_in_blocks if in_blocks and not are_few else product


def product_from_the_left(
    x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]
) -> Float[Tensor, "... d_out"]:
    """Return `x @ weight.T` as `(weight @ x.T).T`, which MKL computes by other code."""
    d_out, d_in = weight.shape
    vectors = x.reshape(-1, d_in)
    return (weight @ vectors.T).T.reshape(*x.shape[:-1], d_out)


def product_in_blocks(
    x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]
) -> Float[Tensor, "... d_out"]:
    """Return `x @ weight.T` as many small products, with a few rows of the weight each."""
    d_out, d_in = weight.shape
    rows = math.gcd(d_out, LARGEST_BLOCK)
    blocks = weight.view(-1, rows, d_in)
    vectors = x.reshape(-1, d_in)
    for_each_block = vectors.expand(d_out // rows, -1, -1)
    if vectors.shape[0] <= FEW_VECTORS:
        products = torch.bmm(blocks, for_each_block.mT).mT
    else:
        products = torch.bmm(for_each_block, blocks.mT)
    return products.transpose(0, 1).reshape(*x.shape[:-1], d_out)  # from (blocks, vectors, rows)
