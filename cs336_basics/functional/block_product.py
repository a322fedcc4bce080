"""The product of a few vectors with a large matrix, cut into blocks of rows: quicker where MKL reads badly.

With few vectors a product takes as long as reading the weight, if the library that computes it reads it well.
MKL does on an Intel processor and does not on an AMD one. For all weights of a model, 70 MB, in milliseconds
on two cores, one product soon after another:

| vectors                      |   1 |    2 |   4 |
| ---------------------------- | --- | ---- | --- |
| Intel Xeon (Sapphire Rapids) |     |      |     |
| `x @ weight.T`               | 2.0 |  2.2 | 3.2 |
| `product_in_blocks`          | 4.5 |  4.7 | 4.6 |
| AMD EPYC (Zen 4)             |     |      |     |
| `x @ weight.T`               | 6.7 | 10.8 | 9.3 |
| `product_in_blocks`          | 2.0 |  2.2 | 3.3 |

For more vectors see `packed_product.py`; without it 5 to 16 vectors take 8 to 10 on the AMD processor.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from cs336_basics.functional.packed_product import SMALLEST_WEIGHT, is_plain_inference
from cs336_basics.functional.processor import MKL_IS_SLOW

FEW_VECTORS = 4
SMALLEST_BLOCK, LARGEST_BLOCK = 8, 32  # rows of the weight


def is_for_few_vectors(x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]) -> bool:
    """Say whether reading the weight is most of the work, as it is for the new tokens of a few texts."""
    return (
        MKL_IS_SLOW
        and x.shape[-1] == weight.shape[1]  # or the product will say what is wrong
        and x.numel() <= FEW_VECTORS * weight.shape[1]
        and weight.numel() >= SMALLEST_WEIGHT
        and is_plain_inference(x)
    )


def product_in_blocks(
    x: Float[Tensor, "... d_in"], weight: Float[Tensor, "d_out d_in"]
) -> Float[Tensor, "... d_out"]:
    """Return `x @ weight.T` as many small products, with a few rows of the weight each."""
    d_out, d_in = weight.shape
    rest = d_out % SMALLEST_BLOCK
    if 0 < rest < d_out:  # blocks of a row or two would take longer than the whole product
        products = product_in_blocks(x, weight[:-rest]), x @ weight[-rest:].T
        return torch.cat(products, dim=-1)
    blocks = weight.view(-1, math.gcd(d_out, LARGEST_BLOCK), d_in)
    vectors = x.reshape(1, -1, d_in).mT.expand(len(blocks), -1, -1)
    products = torch.bmm(blocks, vectors)  # (blocks, rows, vectors)
    return products.view(d_out, -1).mT.reshape(*x.shape[:-1], d_out)
