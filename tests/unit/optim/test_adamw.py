import copy
import math

import pytest
import torch

from cs336_basics import AdamW

SHAPES = [(3, 5), (7,), ()]
LANGUAGE_MODEL = {"lr": 3e-3, "betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": 0.1}
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}


def parameters(dtype=torch.float32) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(7)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator, dtype=dtype)) for shape in SHAPES]


def run(optimizer, params, *, steps: int, scale: float = 1.0, seed: int = 11) -> list[torch.Tensor]:
    """Give every parameter the same random gradients, whatever the optimizer does with them."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        for parameter in params:
            noise = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
            parameter.grad = scale * (noise + 0.1)
        optimizer.step()
    return [parameter.detach().clone() for parameter in params]


def assert_all_close(actual, expected, atol):
    for ours, theirs in zip(actual, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=atol)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize(
    ("settings", "scale"),
    [
        ({}, 1.0),
        (LANGUAGE_MODEL, 1.0),
        (LANGUAGE_MODEL, 1e-8),
        (LANGUAGE_MODEL, 1e-12),
        ({"weight_decay": 0.0}, 1.0),
    ],
    ids=["defaults", "language model", "gradients like eps", "smaller gradients", "no decay"],
)
def test_adamw_equals_torch_after_1000_steps(dtype, scale, settings):
    ours, theirs = parameters(dtype), parameters(dtype)
    actual = run(AdamW(ours, **settings), ours, steps=1000, scale=scale)
    reference = torch.optim.AdamW(theirs, **({"weight_decay": 0.01} | settings))
    expected = run(reference, theirs, steps=1000, scale=scale)
    assert_all_close(actual, expected, TOLERANCE[dtype])
    assert not torch.allclose(actual[0], parameters(dtype)[0])


def test_adamw_first_step_by_hand():
    parameter = torch.nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    parameter.grad = torch.tensor([0.5], dtype=torch.float64)
    AdamW([parameter], lr=0.1, eps=0.25, weight_decay=0.01).step()
    # 2 - 0.1 * 0.01 * 2 - 0.1 * 0.5 / (0.5 + 0.25)
    assert parameter.item() == pytest.approx(2 - 0.002 - 0.1 * 2 / 3, abs=1e-12)


def test_adamw_with_several_groups_equals_torch():
    def groups(params):
        return [{"params": params[:1], "lr": 1e-2}, {"params": params[1:], "weight_decay": 0.3}]

    ours, theirs = parameters(torch.float64), parameters(torch.float64)
    actual = run(AdamW(groups(ours), weight_decay=0.1), ours, steps=100)
    expected = run(torch.optim.AdamW(groups(theirs), weight_decay=0.1), theirs, steps=100)
    assert_all_close(actual, expected, 1e-12)


def test_adamw_follows_a_learning_rate_that_changes():
    ours, theirs = parameters(torch.float64), parameters(torch.float64)
    results = []
    for optimizer, params in ((AdamW(ours), ours), (torch.optim.AdamW(theirs), theirs)):
        for step in range(10):
            optimizer.param_groups[0]["lr"] = 0.01 * step
            results.append(run(optimizer, params, steps=1, seed=step))
    assert_all_close(results[9], results[19], 1e-12)


def test_adamw_leaves_parameters_without_gradient_alone():
    trained, frozen = parameters()[:2]
    before = frozen.detach().clone()
    optimizer = AdamW([trained, frozen], weight_decay=0.5)
    trained.grad = torch.ones_like(trained)
    optimizer.step()
    assert torch.equal(frozen, before)
    assert frozen not in optimizer.state
    assert trained in optimizer.state


def test_adamw_continues_from_its_state_as_if_never_interrupted():
    straight = parameters()
    run(optimizer := AdamW(straight), straight, steps=5)
    saved = copy.deepcopy(optimizer.state_dict())
    resumed = [torch.nn.Parameter(parameter.detach().clone()) for parameter in straight]
    expected = run(optimizer, straight, steps=5, seed=13)
    other = AdamW(resumed, lr=17.0)
    other.load_state_dict(saved)
    for actual, reference in zip(run(other, resumed, steps=5, seed=13), expected, strict=True):
        assert torch.equal(actual, reference)


def test_adamw_calls_its_closure_with_gradients_enabled_and_returns_the_loss():
    parameter = torch.nn.Parameter(torch.tensor([3.0]))
    optimizer = AdamW([parameter], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = parameter.square().sum()
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    assert loss is not None
    assert loss.item() == 9.0
    assert parameter.item() < 3.0
    assert optimizer.step() is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lr": -1.0}, "lr must not be negative but is -1.0"),
        ({"lr": math.nan}, "lr must not be negative but is nan"),
        ({"eps": -1e-8}, "eps must not be negative but is -1e-08"),
        ({"weight_decay": -0.1}, "weight_decay must not be negative but is -0.1"),
        ({"betas": (1.0, 0.999)}, r"betas must lie in \[0, 1\) but are \(1.0, 0.999\)"),
        ({"betas": (0.9, -0.1)}, r"betas must lie in \[0, 1\) but are \(0.9, -0.1\)"),
    ],
)
def test_adamw_refuses_settings_that_make_no_sense(settings, message):
    with pytest.raises(ValueError, match=message):
        AdamW(parameters(), **settings)


def test_a_sparse_gradient_is_refused_before_its_weights_change():
    table = torch.nn.Parameter(torch.randn(5, 3))
    before = table.detach().clone()
    optimizer = AdamW([table], lr=0.1, weight_decay=0.1)
    table.grad = torch.ones(5, 3).to_sparse()
    with pytest.raises(ValueError, match="gradients must be dense"):
        optimizer.step()
    assert torch.equal(table, before)
    assert not optimizer.state
