"""The matrix products of a model and their floating point operations; all other operations are left out.

A product of an (m, k) by a (k, n) matrix takes 2 m k n of them. Kaplan et al. 2020 (arXiv:2001.08361,
section 2.1) and Hoffmann et al. 2022 (arXiv:2203.15556, appendix F) count in this way.
"""

from dataclasses import replace

from cs336_basics.accounting.batch import Batch
from cs336_basics.accounting.parts.build import build_parts, is_in_a_block
from cs336_basics.accounting.parts.part import MatrixProduct
from cs336_basics.nn.config import ModelConfig


def matrix_products(config: ModelConfig, batch: Batch) -> list[MatrixProduct]:
    """Return the products of one forward pass in their order; those of all layers are one entry each."""
    found: dict[MatrixProduct, int] = {}
    for part in build_parts(config).values():
        for product in part.products(batch):
            single = replace(product, count=1)
            found[single] = found.get(single, 0) + product.count
    return [replace(single, count=count) for single, count in found.items()]


def forward_flops(config: ModelConfig, batch: Batch) -> int:
    """Return the operations of one forward pass."""
    return sum(product.flops for product in matrix_products(config, batch))


def training_flops(config: ModelConfig, batch: Batch, *, recompute: bool = False) -> int:
    """Return the operations of a forward and a backward pass: three times those of the forward pass.

    The backward pass of each product is two products of the same size, for the gradients of both factors.
    With `recompute` (activation checkpointing) the forward pass of the blocks is done once more.
    """
    again = _block_flops(config, batch) if recompute else 0
    return 3 * forward_flops(config, batch) + again


def flops_shares(config: ModelConfig, batch: Batch) -> dict[str, float]:
    """Return which share of the forward pass each product takes, by its name."""
    total = forward_flops(config, batch)
    shares: dict[str, float] = {}
    for product in matrix_products(config, batch):
        shares[product.name] = shares.get(product.name, 0.0) + product.flops / total
    return shares


def _block_flops(config: ModelConfig, batch: Batch) -> int:
    in_blocks = {name: part for name, part in build_parts(config).items() if is_in_a_block(name)}
    return sum(product.flops for part in in_blocks.values() for product in part.products(batch))
