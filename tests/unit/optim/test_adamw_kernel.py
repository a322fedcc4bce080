import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from cs336_basics import AdamW
from cs336_basics.optim import adamw_kernel
from cs336_basics.optim.adamw_kernel import (
    compiled_kernel,
    is_for_kernel,
    is_large_on_cpu,
    run_kernel,
    share_out,
    update_all,
    update_entries,
)
from cs336_basics.optim.adamw_update import Update, step_factors, update

SHAPES = [(257, 257), (11,), (293, 227), (), (1, 65_537), (65_539,), (3, 151, 149)]
SETTINGS = {"lr": 3e-3, "betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": 0.1}
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}
FACTORS = step_factors(3, lr=1e-2, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)


def stepped(optimizer_class, *, dtype, scale=1.0, make=torch.randn) -> list[torch.Tensor]:
    """Take steps at a learning rate that changes; every second step leaves the first parameter alone."""
    torch.manual_seed(3)
    parameters = [torch.nn.Parameter(make(shape, dtype=dtype)) for shape in SHAPES]
    groups = [
        {"params": parameters[:2]},
        {"params": parameters[2:], "weight_decay": 0.0, "betas": (0.8, 0.9)},
    ]
    optimizer = optimizer_class(groups, **SETTINGS)
    for step in range(5):
        for parameter in parameters[step % 2 :]:
            parameter.grad = scale * torch.randn_like(parameter)
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * (step + 1)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return [parameter.detach() for parameter in parameters]


def entry(shape=(263, 257), *, dtype=torch.float32, scale=1.0) -> Update:
    """Return an update of random tensors."""
    parameter, gradient, first_moment = (torch.randn(shape, dtype=dtype) for _ in range(3))
    second_moment = scale**2 * torch.rand(shape, dtype=dtype)
    return Update(parameter, scale * gradient, scale * first_moment, second_moment, FACTORS)


def copy_of(one: Update) -> Update:
    *tensors, factors = one
    return Update._make((*(tensor.clone() for tensor in tensors), factors))


def no_definition(*_):
    raise AssertionError("the definition is not meant to be called")


@pytest.mark.parametrize("num_threads", [1, 2, 5])
@pytest.mark.parametrize(
    ("dtype", "scale"),
    [(torch.float32, 1.0), (torch.float64, 1.0), (torch.float64, 1e-8)],
    ids=["float32", "float64", "gradients like eps"],
)
def test_adamw_of_large_parameters_equals_torch_and_the_definition(dtype, scale, num_threads, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: num_threads)
    by_loop = stepped(AdamW, dtype=dtype, scale=scale)
    by_torch = stepped(torch.optim.AdamW, dtype=dtype, scale=scale)
    monkeypatch.setattr(adamw_kernel, "compiled_kernel", lambda: None)
    by_definition = stepped(AdamW, dtype=dtype, scale=scale)
    for expected in (by_torch, by_definition):
        for ours, theirs in zip(by_loop, expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=TOLERANCE[dtype])
    assert not torch.equal(by_loop[0], by_definition[0])  # or both went the same way


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e-8, 1.0, 1e15])
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_the_kernel_does_what_the_definition_does(dtype, scale, monkeypatch):
    ours = entry(dtype=dtype, scale=scale)
    theirs = copy_of(ours)
    update(*theirs)
    monkeypatch.setattr(adamw_kernel, "update", no_definition)
    update_all([ours])
    sizes = (1.0, scale, scale, scale**2)
    for actual, expected, size in zip(ours[:4], theirs[:4], sizes, strict=True):
        atol = TOLERANCE[dtype] * size
        torch.testing.assert_close(actual, expected, rtol=TOLERANCE[dtype], atol=atol)


@pytest.mark.parametrize("beta1", [0.0, 0.3])
def test_a_gradient_much_smaller_than_the_first_moment_is_not_lost(beta1):
    factors = step_factors(5, lr=1e-2, betas=(beta1, 0.99), eps=1e-8, weight_decay=0.1)
    ours = entry()._replace(factors=factors)
    ours.first_moment.mul_(1e4)
    expected = beta1 * ours.first_moment.double() + (1 - beta1) * ours.gradient.double()
    update_all([ours])
    torch.testing.assert_close(ours.first_moment, expected.float(), rtol=3e-7, atol=1e-7)


@pytest.mark.parametrize("large", [0.0, 1e20, 1e30, math.inf, math.nan])
@pytest.mark.parametrize("eps", [1e-8, 0.0])
def test_the_kernel_ends_where_the_definition_does_without_a_second_moment_or_with_an_endless_one(large, eps):
    factors = step_factors(1, lr=1e-2, betas=(0.9, 0.99), eps=eps, weight_decay=0.1)
    shape = (65_537,)
    tensors = torch.ones(shape), torch.full(shape, large), torch.zeros(shape), torch.zeros(shape)
    ours = Update(*tensors, factors)
    theirs = copy_of(ours)
    update_all([ours])
    update(*theirs)
    for actual, expected in zip(ours[:4], theirs[:4], strict=True):
        torch.testing.assert_close(actual, expected, equal_nan=True)


def test_the_number_of_threads_changes_nothing(monkeypatch):
    start = entry((1013, 1031))
    ends = []
    for num_threads in (1, 3, 7):
        monkeypatch.setattr(torch, "get_num_threads", lambda number=num_threads: number)
        one = copy_of(start)
        update_all([one])
        ends.append(one)
    for other in ends[1:]:
        assert all(map(torch.equal, ends[0][:4], other[:4]))


def test_the_loop_as_python_runs_it_is_the_same():
    compiled = entry((5, 17))
    interpreted = copy_of(compiled)
    kernel = compiled_kernel()
    assert kernel is not None
    for function, one in ((kernel, compiled), (update_entries, interpreted)):
        for share in share_out([one], 3):
            run_kernel(function, share)
    for actual, expected in zip(compiled[:4], interpreted[:4], strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("num_shares", [1, 2, 7, 64])
def test_shares_have_one_size_and_are_views_of_all_entries_in_order(num_shares):
    updates = [entry((109, 67), dtype=torch.float64), entry((3,)), entry((1009,))]
    shares = share_out(updates, num_shares)
    sizes = [sum(len(call[0]) for call in share) for share in shares]
    assert len(shares) == num_shares
    assert max(sizes) - min(sizes) <= 1
    calls = [call for share in shares for call in share]
    assert len(calls) < len(updates) + num_shares
    for place in range(4):
        values = np.concatenate([call[place] for call in calls])
        assert np.array_equal(values, np.concatenate([one[:4][place].flatten().numpy() for one in updates]))
    assert np.shares_memory(calls[0][0], updates[0].parameter.numpy())
    assert all(number.dtype == np.float64 for number in calls[0][4:])
    assert all(number.dtype == np.float32 for number in calls[-1][4:])


def test_what_the_kernel_writes_counts_as_a_change():
    parameter = torch.nn.Parameter(torch.randn(257, 257))
    x = torch.randn(257, 257, requires_grad=True)
    product = x @ parameter
    parameter.grad = torch.randn(257, 257)
    AdamW([parameter]).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        product.sum().backward()


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(255, 257),
        torch.zeros(257, 257, dtype=torch.bfloat16),
        torch.zeros(257, 257, device="meta"),
        torch.zeros(257, 257).as_subclass(type("PartOfATensor", (torch.Tensor,), {})),
        torch.zeros(257, 257, 2)[..., 0],
        torch.zeros(259, 257).T,
        torch._neg_view(torch.zeros(257, 259)),  # pyright: ignore[reportPrivateImportUsage]
        torch.inference_mode()(torch.zeros)(257, 259),
    ],
    ids=[
        "small",
        "narrow",
        "elsewhere",
        "shared",
        "with gaps",
        "transposed",
        "negated",
        "for inference only",
    ],
)
def test_small_and_unusual_tensors_are_not_for_the_kernel(tensor):
    usual = torch.zeros(257, 257)
    assert is_large_on_cpu(usual)
    assert is_for_kernel(Update(usual, usual, usual, usual, FACTORS))
    assert not is_large_on_cpu(tensor)
    alike = torch.zeros(tensor.shape, dtype=tensor.dtype)
    for place in range(4):
        tensors = [tensor if place == other else alike for other in range(4)]
        assert not is_for_kernel(Update._make((*tensors, FACTORS)))


@pytest.mark.parametrize(
    "make",
    [
        lambda shape, dtype: torch.randn(*shape, 2, dtype=dtype)[..., 0],
        lambda shape, dtype: torch.randn(shape, dtype=torch.bfloat16),
        lambda shape, dtype: torch.randn([min(size, 31) for size in shape], dtype=dtype),
    ],
    ids=["with gaps", "bfloat16", "small"],
)
def test_other_parameters_are_updated_by_the_definition(make, monkeypatch):
    by_torch = stepped(torch.optim.AdamW, dtype=torch.float64, make=make)
    monkeypatch.setattr(adamw_kernel, "update_in_threads", no_definition)
    ours = stepped(AdamW, dtype=torch.float64, make=make)
    for actual, expected in zip(ours, by_torch, strict=True):
        tolerance = 1e-2 if actual.dtype == torch.bfloat16 else 1e-12
        torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


@pytest.fixture
def nothing_compiled():
    """Let Numba be looked for anew, in this test and after it."""
    compiled_kernel.cache_clear()
    yield
    compiled_kernel.cache_clear()


@pytest.mark.parametrize(
    "error", [ImportError("no module"), OSError("no library"), RuntimeError("no symbol")], ids=repr
)
def test_without_numba_the_definition_updates_everything_after_one_warning(
    error, monkeypatch, nothing_compiled
):
    monkeypatch.setattr(adamw_kernel, "compile_kernel", lambda: error)
    ours = [entry(), entry((5, 3))]
    theirs = [copy_of(one) for one in ours]
    with pytest.warns(UserWarning, match=f"goes on without Numba.*{error}") as caught:
        update_all([*ours, *ours])
    update_all(ours)
    assert len(caught) == 1
    for ours_now, one in zip(ours, theirs, strict=True):
        for _ in range(3):
            update(*one)
        assert all(map(torch.equal, ours_now[:4], one[:4]))


@pytest.mark.parametrize(
    ("size", "device", "times"), [(1 << 16, "cpu", 1), (9, "cpu", 0), (1 << 16, "meta", 0)]
)
def test_an_optimizer_compiles_before_its_first_step_what_it_will_need(size, device, times, monkeypatch):
    compilations = []
    monkeypatch.setattr(adamw_kernel, "compiled_kernel", lambda: compilations.append(1))
    AdamW([torch.nn.Parameter(torch.zeros(shape, device=device)) for shape in (3, size)])
    assert len(compilations) == times


@pytest.mark.parametrize("error", [OSError, AttributeError, RuntimeError, ValueError])
def test_what_numba_raises_is_told(error, monkeypatch, nothing_compiled):
    def njit(*_, **__):
        raise error("no symbol")

    monkeypatch.setattr("numba.njit", njit)
    with pytest.warns(UserWarning, match="no symbol"):
        assert compiled_kernel() is None


def test_a_step_that_ctrl_c_has_waited_for_is_counted(monkeypatch):
    def interrupted(kernel, updates):
        raise KeyboardInterrupt

    parameter = torch.nn.Parameter(torch.zeros(1 << 16))
    parameter.grad = torch.ones(1 << 16)
    optimizer = AdamW([parameter])
    monkeypatch.setattr(adamw_kernel, "update_in_threads", interrupted)
    with pytest.raises(KeyboardInterrupt):
        optimizer.step()
    assert optimizer.state[parameter]["step"] == 1


def test_a_module_that_is_missing_is_named(monkeypatch, nothing_compiled):
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.warns(UserWarning, match="import of numba halted"):
        assert compiled_kernel() is None


def mismatched(place: int, tensor: torch.Tensor) -> Update:
    tensors = [torch.zeros(300, 400) for _ in range(4)]
    tensors[place] = tensor
    return Update._make((*tensors, FACTORS))


@pytest.mark.parametrize("place", range(1, 4))
@pytest.mark.parametrize(
    "tensor",
    [torch.zeros(299, 400), torch.zeros(400, 300), torch.zeros(300, 400, dtype=torch.float64)],
    ids=["smaller", "other axes", "other type"],
)
def test_tensors_that_do_not_belong_together_are_left_to_the_definition(place, tensor):
    assert not is_for_kernel(mismatched(place, tensor))


def test_the_state_of_another_model_is_refused_and_counts_no_step():
    def optimizer_of(*shape):
        parameter = torch.nn.Parameter(torch.zeros(shape))
        parameter.grad = torch.ones(shape)
        return AdamW([parameter])

    small, large = optimizer_of(300, 300), optimizer_of(600, 600)
    small.step()
    (large.state[large.param_groups[0]["params"][0]],) = small.state.values()
    with pytest.raises(RuntimeError, match="must match the size"):
        large.step()
    assert [state["step"] for state in large.state.values()] == [1]


def test_a_step_that_a_compiler_traces_is_that_of_the_definition():
    torch.compiler.reset()
    parameter = torch.nn.Parameter(torch.randn(257, 257))
    parameter.grad = torch.randn(257, 257)
    other = torch.nn.Parameter(parameter.detach().clone())
    other.grad = parameter.grad.clone()
    traced, plain = AdamW([parameter]), AdamW([other])
    torch.compile(traced.step, backend="eager", fullgraph=True)()
    plain.step()
    torch.testing.assert_close(parameter, other, rtol=1e-6, atol=1e-6)
    torch.compiler.reset()


def test_training_goes_on_in_a_thread_when_the_main_one_has_ended():
    program = (
        "import threading, time, torch; from cs336_basics import AdamW\n"
        "def train():\n"
        "    time.sleep(0.5)\n"
        "    p = torch.nn.Parameter(torch.ones(70_000)); p.grad = torch.ones(70_000); AdamW([p]).step()\n"
        "    print(p.sum().item() < 70_000)\n"
        "threading.Thread(target=train).start()\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (result.stdout, result.stderr) == ("True\n", "")


def test_what_goes_wrong_in_a_thread_is_raised(monkeypatch):
    def kernel(parameter, *_):
        parameter[0] = 7.0
        raise ZeroDivisionError

    monkeypatch.setattr(adamw_kernel, "compiled_kernel", lambda: kernel)
    one = entry()
    before = one.parameter._version
    with pytest.raises(ZeroDivisionError):
        update_all([one])
    assert one.parameter._version > before  # what has been written is known
