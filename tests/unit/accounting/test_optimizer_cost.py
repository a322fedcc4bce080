import inspect

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from cs336_basics.accounting import MODELS, OPTIMIZERS, count_parameters, optimizer_cost, optimizer_flops
from cs336_basics.accounting.optimizer_cost import CLIPPING_FLOPS_PER_PARAMETER
from cs336_basics.accounting.optimizers.muon import NEWTON_SCHULZ_STEPS
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.optim.clipping import clip_gradients
from cs336_basics.optim.muon import Muon
from tests.unit.accounting.models import ODD, VARIANTS
from tests.unit.accounting.training_tensors import optimizer_of

# Operations for each entry: x + c y and x + c (y - x) are a product and one or two sums.
FLOPS_OF = {
    "add": 1,
    "add_": 1,
    "addcdiv_": 3,
    "addcmul_": 3,
    "_unsafe_view": 0,
    "bmm": 0,  # counted as a product
    "div": 1,
    "expand": 0,
    "lerp_": 3,
    "linalg_vector_norm": 2,
    "mul": 1,
    "mul_": 1,
    "sqrt": 1,
    "sub_": 1,
    "transpose": 0,
    "unbind": 0,
    "view": 0,
    "zeros_like": 0,
}
LARGER_THAN_ANY_BATCH = 14  # of matrices, whose norms and the like are not counted


class ElementwiseFlops(TorchDispatchMode):
    """Counts the operations on tensors of at least `size` entries."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.total = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if isinstance(args[0], torch.Tensor) and args[0].numel() >= self.size:
            scales = "alpha" in (kwargs or {})
            self.total += (FLOPS_OF[function.overloadpacket.__name__] + scales) * args[0].numel()
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("config", [ODD, VARIANTS["everything"]], ids=["plain", "everything"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_operations_and_state_are_those_of_the_optimizer(name, config):
    model = TransformerLM.from_config(config)
    optimizer = optimizer_of(model, name)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    products = FlopCounterMode(display=False)
    with products, ElementwiseFlops(LARGER_THAN_ANY_BATCH) as others:
        optimizer.step()
    cost = optimizer_cost(config, optimizer=name)
    assert products.get_total_flops() == cost.product_flops
    assert others.total == sum(cost.operations.values())
    state = [value for kept in optimizer.state.values() for value in kept.values()]
    numbers = sum(value.numel() for value in state if isinstance(value, torch.Tensor))
    assert numbers == sum(cost.state.values())


def test_steps_of_newton_schulz_are_those_of_muon():
    assert inspect.signature(Muon).parameters["steps"].default == NEWTON_SCHULZ_STEPS


def test_products_of_muon_are_those_of_the_smaller_side():
    found = {
        (product.name.removeprefix("Newton-Schulz: "), product.m, product.k, product.n): product.count
        for product in optimizer_cost(ODD, optimizer="muon").products
    }
    assert found == {  # 5 steps, 3 layers, 4 square matrices and 3 of the feed-forward network
        ("X X^T", 28, 28, 28): 60,
        ("(X X^T)^2", 28, 28, 28): 60,
        ("polynomial X", 28, 28, 28): 60,
        ("X X^T", 13, 28, 13): 45,
        ("(X X^T)^2", 13, 13, 13): 45,
        ("polynomial X", 13, 13, 28): 45,
    }


def test_operations_of_clipping_are_those_of_the_function():
    parameter = torch.nn.Parameter(torch.randn(11, 13))
    parameter.grad = torch.randn(11, 13)
    with ElementwiseFlops(11 * 13) as counter:
        clip_gradients([parameter], 1e-3)
    assert counter.total == CLIPPING_FLOPS_PER_PARAMETER * 11 * 13


def test_flops_of_a_step_are_those_of_all_parameters():
    model = MODELS["tinystories"]
    assert optimizer_flops(model) == 13 * count_parameters(model)
    assert optimizer_flops(model, optimizer="sgd") == 2 * count_parameters(model)
