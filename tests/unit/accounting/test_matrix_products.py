from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import set_checkpoint_early_stop
from torch.utils.flop_counter import FlopCounterMode

from cs336_basics.accounting import Batch, flops_shares, forward_flops, matrix_products, training_flops
from cs336_basics.functional.loss import cross_entropy
from cs336_basics.nn.transformer_lm import TransformerLM
from tests.unit.accounting.models import GROUPED, ODD, VARIANTS
from tests.unit.accounting.training_tensors import batch_of, checkpoint_blocks

CONFIGS = {
    "odd": ODD,
    "usual d_ff": replace(ODD, d_ff=None),
    "one layer": replace(ODD, num_layers=1),
    "many heads": replace(ODD, num_heads=7),
    "grouped": GROUPED,
    **VARIANTS,
}


def counted_flops(config, batch_size, seq, *, recompute=False) -> tuple[int, int]:
    """Return what PyTorch counts in a forward pass, and in forward and backward pass together."""
    model = TransformerLM.from_config(config)
    if recompute:
        checkpoint_blocks(model)
    inputs, targets = batch_of(config, batch_size, seq)
    counter = FlopCounterMode(display=False)
    with counter, set_checkpoint_early_stop(False):  # else the last product of each block is left out
        loss = cross_entropy(model(inputs), targets)
        forward = counter.get_total_flops()
        loss.backward()
    return forward, counter.get_total_flops()


@pytest.mark.parametrize("name", CONFIGS)
def test_flops_are_those_that_pytorch_counts(name):
    config, batch = CONFIGS[name], Batch(batch_size=3, seq=5)
    assert counted_flops(config, 3, 5) == (forward_flops(config, batch), training_flops(config, batch))


def test_flops_with_activation_checkpointing_are_those_that_pytorch_counts():
    batch = Batch(batch_size=3, seq=5)
    _, counted = counted_flops(ODD, 3, 5, recompute=True)
    assert counted == training_flops(ODD, batch, recompute=True) > training_flops(ODD, batch)


def test_flops_count_multiplications_and_additions_of_each_entry():
    batch = Batch(batch_size=3, seq=5)
    products = {product.name: product for product in matrix_products(ODD, batch)}
    assert products["attention: queries"].flops == 2 * 15 * 28 * 28 * 3
    assert products["attention: scores"].flops == 2 * 5 * 14 * 5 * (3 * 2 * 3)
    assert products["feed-forward: output (w2)"].flops == 2 * 15 * 13 * 28 * 3
    assert products["head: logits"].flops == 2 * 15 * 28 * 101
    assert len(products) == 10


def test_each_product_is_one_that_the_model_makes():
    made = set()

    class Recorder(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            if function in (torch.ops.aten.mm.default, torch.ops.aten.bmm.default):
                left, right = args
                made.add((left.shape[-2], left.shape[-1], right.shape[-1], left.ndim == 3 and len(left)))
            return function(*args, **(kwargs or {}))

    model = TransformerLM.from_config(ODD)
    with Recorder():
        model(batch_of(ODD, 3, 5)[0])
    expected = set()
    for product in matrix_products(ODD, Batch(batch_size=3, seq=5)):
        in_attention = product.name in ("attention: scores", "attention: weighted sum")
        expected.add((product.m, product.k, product.n, in_attention and product.count // ODD.num_layers))
    assert made == expected


def test_shares_add_up_to_one():
    shares = flops_shares(ODD, Batch(batch_size=3, seq=5))
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["attention: queries"] == shares["attention: keys"]
