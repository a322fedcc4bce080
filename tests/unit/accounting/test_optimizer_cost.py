import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cs336_basics.accounting import MODELS, OPTIMIZERS, count_parameters, optimizer_flops
from cs336_basics.accounting.optimizer_cost import CLIPPING_FLOPS_PER_PARAMETER
from cs336_basics.optim.adamw import AdamW
from cs336_basics.optim.clipping import clip_gradients
from cs336_basics.optim.sgd import SGD

# Operations for each entry: x + c y and x + c (y - x) are a product and one or two sums.
FLOPS_OF = {
    "add_": 1,
    "addcdiv_": 3,
    "addcmul_": 3,
    "div": 1,
    "lerp_": 3,
    "linalg_vector_norm": 2,
    "mul_": 1,
    "sqrt": 1,
    "sub_": 2,
    "zeros_like": 0,
}


class ElementwiseFlops(TorchDispatchMode):
    """Counts the operations on tensors of at least `size` entries."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.total = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if isinstance(args[0], torch.Tensor) and args[0].numel() >= self.size:
            self.total += FLOPS_OF[function.overloadpacket.__name__] * args[0].numel()
        return function(*args, **(kwargs or {}))


def parameter_with_gradient() -> torch.nn.Parameter:
    parameter = torch.nn.Parameter(torch.randn(11, 13))
    parameter.grad = torch.randn(11, 13)
    return parameter


@pytest.mark.parametrize(("name", "optimizer"), [("adamw", AdamW), ("sgd", SGD)])
def test_operations_and_state_are_those_of_the_optimizer(name, optimizer):
    parameter = parameter_with_gradient()
    optimizer = optimizer([parameter], lr=1e-3)
    with ElementwiseFlops(11 * 13) as counter:
        optimizer.step()
    assert counter.total == OPTIMIZERS[name].flops * 11 * 13
    state = [value for value in optimizer.state[parameter].values() if isinstance(value, torch.Tensor)]
    assert [value.numel() for value in state] == [11 * 13] * len(OPTIMIZERS[name].state)


def test_operations_of_clipping_are_those_of_the_function():
    parameter = parameter_with_gradient()
    with ElementwiseFlops(11 * 13) as counter:
        clip_gradients([parameter], 1e-3)
    assert counter.total == CLIPPING_FLOPS_PER_PARAMETER * 11 * 13


def test_flops_of_a_step_are_those_of_all_parameters():
    model = MODELS["tinystories"]
    assert optimizer_flops(model) == 13 * count_parameters(model)
    assert optimizer_flops(model, optimizer="sgd") == 2 * count_parameters(model)
