"""The product of vectors with a matrix, and a quicker way to it for the few vectors of generation."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

FEW_VECTORS, SOME_VECTORS = 4, 16  # up to where `product_in_blocks` is much quicker, and quicker at all
LARGEST_BLOCK, SMALLEST_BLOCK_FOR_SOME = 32, 16  # rows of the weight
SMALLEST_WEIGHT = 1 << 17  # entries; a smaller one stays in the cache, where blocks only cost more calls


def linear(x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]) -> Float[Tensor, "... d_out"]:
    """Return `einsum(x, weight, "... d_in, d_out d_in -> ... d_out")`.

    As a plain product it takes two thirds of einsum's time on a CPU, forward and backward, because einsum
    copies its operands.
    """
    if is_for_blocks(x, weight):
        return product_in_blocks(x, weight)
    return x @ weight.T


def is_for_blocks(x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]) -> bool:
    """Say whether `product_in_blocks` is the quicker way, as it is for the new tokens of a few texts."""
    d_out, d_in = weight.shape
    is_small = x.numel() <= FEW_VECTORS * d_in or (
        x.numel() <= SOME_VECTORS * d_in and d_out % SMALLEST_BLOCK_FOR_SOME == 0
    )
    return (
        is_small
        and weight.numel() >= SMALLEST_WEIGHT
        and torch.backends.mkl.is_available()
        and x.dtype == torch.float32
        and x.device.type == "cpu"
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
    )


def product_in_blocks(
    x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]
) -> Float[Tensor, "... d_out"]:
    """Return `x @ weight.T` for a few vectors, as many small products with a few rows of the weight each.

    With so few vectors the time goes into reading the weight, and MKL's one large product does that slowly.
    For all weights of a model, 70 MB, in milliseconds on two cores of an AMD EPYC (Zen 4):

    | vectors      |   1 |    2 |   4 |   8 |  16 |
    | ------------ | --- | ---- | --- | --- | --- |
    | one product  | 6.7 | 10.8 | 9.3 | 8.0 | 9.7 |
    | blocks       | 2.0 |  2.2 | 3.3 | 5.4 | 7.3 |
    """
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
