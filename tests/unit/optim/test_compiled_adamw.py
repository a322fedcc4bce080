import copy

import pytest
import torch

from cs336_basics import AdamW
from cs336_basics.optim.compiled_adamw import compiled_update
from tests.compiler import needs_compiler

SHAPES = [(257, 257), (11,), (293, 227), (), (1, 65_537), (65_539,), (3, 151, 149)]
SETTINGS = {"lr": 3e-3, "betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": 0.1}
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}


@pytest.fixture(autouse=True)
def nothing_compiled_before():
    """A function has a limit of compilations in a process, after which it is left as it is."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def stepped(optimizer_class, backend=None, *, dtype, scale=1.0, make=torch.randn) -> list[torch.Tensor]:
    """Take steps at a learning rate that changes; every second step leaves the first parameter alone."""
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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_one_kernel_serves_all_steps_and_shapes(dtype):
    backend = CountingBackend()
    stepped(AdamW, backend, dtype=dtype)
    assert backend.compilations == 1


def test_one_kernel_serves_gradients_that_are_parts_of_one_tensor():
    backend = CountingBackend()
    gradients = torch.randn(4 * 70_001)
    parameters = [torch.nn.Parameter(torch.randn(70_001)) for _ in range(4)]
    optimizer = AdamW(parameters)
    optimizer.update = compiled_update(backend)
    for parameter, gradient in zip(parameters, gradients.chunk(4), strict=True):
        parameter.grad = gradient
    optimizer.step()
    assert backend.compilations == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda shape, dtype: torch.randn(*shape, 2, dtype=dtype)[..., 0],
        lambda shape, dtype: torch.randn(shape, dtype=torch.bfloat16),
        lambda shape, dtype: torch.randn([min(size, 31) for size in shape], dtype=dtype),
    ],
    ids=["with gaps", "bfloat16", "small"],
)
def test_other_tensors_are_updated_without_compilation(make):
    backend = CountingBackend()
    compiled = stepped(AdamW, backend, dtype=torch.float64, make=make)
    plain = stepped(AdamW, dtype=torch.float64, make=make)
    assert backend.compilations == 0
    assert all(map(torch.equal, compiled, plain))


@pytest.mark.parametrize("large", [1e20, 1e30], ids=["its square overflows", "the second moment overflows"])
def test_a_huge_gradient_has_the_end_of_the_plain_update(large):
    ends = []
    for backend in (None, "aot_eager"):
        parameter = torch.nn.Parameter(torch.ones(70_001))
        optimizer = AdamW([parameter], lr=0.1, weight_decay=0.0)
        if backend is not None:
            optimizer.update = compiled_update(backend)
        for gradient in (large, 1.0):
            parameter.grad = torch.full_like(parameter, gradient)
            optimizer.step()
        ends.append(parameter.detach())
    assert ends[0].isfinite().all()
    torch.testing.assert_close(ends[1], ends[0], rtol=0, atol=1e-6)


def test_a_copy_has_the_plain_update_again():
    optimizer = AdamW([torch.nn.Parameter(torch.ones(3))])
    optimizer.update = compiled_update("aot_eager")
    assert copy.deepcopy(optimizer).update is AdamW.update
    optimizer.load_state_dict(optimizer.state_dict())
    assert optimizer.update is not AdamW.update
