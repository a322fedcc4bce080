import os
import shutil

import pytest
import torch

from cs336_basics import AdamW
from cs336_basics.optim.compiled_adamw import compiled_update

SHAPES = [(17, 13), (11,), (3, 5, 7), (), (1,)]
SETTINGS = {"lr": 3e-3, "betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": 0.1}
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}
needs_compiler = pytest.mark.skipif(
    shutil.which(os.environ.get("CXX", "g++")) is None, reason="there is no C++ compiler here"
)


@pytest.fixture(autouse=True)
def nothing_compiled_before():
    """A function has a limit of compilations in a process, after which it is left as it is."""
    torch.compiler.reset()


def stepped(optimizer_class, backend=None, *, dtype, scale=1.0, make=torch.randn) -> list[torch.Tensor]:
    """Take steps at a learning rate that changes, with a parameter that stays without gradient at first."""
    torch.manual_seed(3)
    parameters = [torch.nn.Parameter(make(shape, dtype=dtype)) for shape in SHAPES]
    groups = [
        {"params": parameters[:2]},
        {"params": parameters[2:], "weight_decay": 0.0, "betas": (0.8, 0.9)},
    ]
    optimizer = optimizer_class(groups, **SETTINGS)
    if backend is not None:
        optimizer.update = compiled_update(backend)
    for step in range(5):
        for parameter in parameters[step % 2 :]:
            parameter.grad = scale * torch.randn_like(parameter)
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * (step + 1)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return [parameter.detach() for parameter in parameters]


@pytest.mark.parametrize(
    ("backend", "dtype", "scale"),
    [
        ("aot_eager", torch.float64, 1.0),
        pytest.param("inductor", torch.float32, 1.0, marks=needs_compiler),
        pytest.param("inductor", torch.float64, 1e-8, marks=needs_compiler),
    ],
    ids=["traced", "compiled", "compiled, gradients like eps"],
)
def test_the_compiled_update_equals_torch_and_the_plain_one(backend, dtype, scale):
    compiled = stepped(AdamW, backend, dtype=dtype, scale=scale)
    for optimizer_class in (torch.optim.AdamW, AdamW):
        expected = stepped(optimizer_class, dtype=dtype, scale=scale)
        for ours, theirs in zip(compiled, expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=TOLERANCE[dtype])


class CountingBackend:
    """Leaves the operations what they are, and counts what it was given to compile."""

    compilations = 0

    def __call__(self, graph, example_inputs):
        self.compilations += 1
        return graph.forward


def test_one_kernel_serves_all_steps_and_shapes():
    backend = CountingBackend()
    stepped(AdamW, backend, dtype=torch.float64)
    assert backend.compilations == 3  # () and (1,) are compiled for themselves


def test_what_is_no_vector_in_memory_is_updated_without_compilation():
    def columns(shape, dtype):
        return torch.randn(*shape, 2, dtype=dtype)[..., 0]

    backend = CountingBackend()
    compiled = stepped(AdamW, backend, dtype=torch.float64, make=columns)
    assert backend.compilations == 2  # for () and (1,), which are vectors
    for ours, theirs in zip(compiled, stepped(AdamW, dtype=torch.float64, make=columns), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
