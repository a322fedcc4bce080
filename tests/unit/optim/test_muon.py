import copy
import math
from typing import Any

import numpy as np
import pytest
import torch

from cs336_basics import Muon

SHAPES = [(5, 7), (11, 3), (5, 7), (2, 3, 5)]
SETTINGS: dict[str, Any] = {"lr": 0.03, "momentum": 0.9, "update_rms": 0.3, "weight_decay": 0.2}


def parameters(dtype=torch.float64) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(7)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator, dtype=dtype)) for shape in SHAPES]


def gradients(steps: int, *, seed: int = 11) -> list[list[torch.Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    return [[torch.randn(shape, generator=generator).double() for shape in SHAPES] for _ in range(steps)]


def run(optimizer, params, all_gradients) -> list[torch.Tensor]:
    for step_gradients in all_gradients:
        for parameter, gradient in zip(params, step_gradients, strict=True):
            parameter.grad = gradient.to(parameter.dtype)
        optimizer.step()
    return [parameter.detach().clone() for parameter in params]


def naive_newton_schulz(g: np.ndarray) -> np.ndarray:
    x = g / (np.sqrt((g**2).sum()) + 1e-7)
    for _ in range(5):
        x = 3.4445 * x - 4.7750 * (x @ x.T) @ x + 2.0315 * (x @ x.T) @ (x @ x.T) @ x
    return x


def naive_muon(
    w: np.ndarray, matrix_gradients: list, lr, momentum, update_rms, weight_decay
) -> tuple[np.ndarray, np.ndarray]:
    """Return weight and momentum of one matrix after all gradients: the definition, in NumPy."""
    m = np.zeros_like(w)
    for g in matrix_gradients:
        m = momentum * m + g
        o = naive_newton_schulz(g + momentum * m)
        w = w - lr * weight_decay * w - lr * update_rms * math.sqrt(max(w.shape)) * o
    return w, m


def test_muon_equals_its_definition_for_every_matrix():
    params, all_gradients = parameters(), gradients(steps=20)
    optimizer = Muon(params, **SETTINGS)
    found = run(optimizer, params, all_gradients)
    for i, (start, shape) in enumerate(zip(parameters(), SHAPES, strict=True)):
        for j in np.ndindex(shape[:-2]):
            matrix_gradients = [step_gradients[i][j].numpy() for step_gradients in all_gradients]
            weight, momentum = naive_muon(start[j].detach().numpy(), matrix_gradients, **SETTINGS)
            np.testing.assert_allclose(found[i][j].numpy(), weight, rtol=0, atol=1e-12)
            state = optimizer.state[params[i]]["momentum_buffer"][j]
            np.testing.assert_allclose(state.numpy(), momentum, rtol=0, atol=1e-12)


def test_muon_decays_the_weights_apart_from_the_gradient():
    decayed, plain = parameters(), parameters()
    first = gradients(steps=1)
    with_decay = run(Muon(decayed, lr=0.1, weight_decay=0.5), decayed, first)
    without = run(Muon(plain, lr=0.1, weight_decay=0.0), plain, first)
    for found, reference, start in zip(with_decay, without, parameters(), strict=True):
        torch.testing.assert_close(reference - found, 0.1 * 0.5 * start.detach(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(67, 67), (31, 127), (127, 31)], ids=str)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_the_root_mean_square_of_an_update_depends_on_neither_shape_nor_size_of_the_gradient(shape, scale):
    parameter = torch.nn.Parameter(torch.zeros(shape))
    parameter.grad = scale * torch.randn(shape)
    Muon([parameter], lr=0.01, update_rms=0.2).step()
    root_mean_square = parameter.detach().square().mean().sqrt().item()
    assert root_mean_square == pytest.approx(0.01 * 0.2, rel=0.2)


def test_muon_follows_a_learning_rate_that_changes_and_settings_of_a_group():
    params, all_gradients = parameters(), gradients(steps=2)
    groups = [{"params": params[:2], "momentum": 0.5}, {"params": params[2:], "lr": 0.0}]
    optimizer = Muon(groups, **SETTINGS)
    run(optimizer, params, all_gradients[:1])
    optimizer.param_groups[0]["lr"] = 0.0
    frozen = params[0].detach().clone()
    run(optimizer, params, all_gradients[1:])
    assert torch.equal(params[0], frozen)
    assert torch.equal(params[2], parameters()[2])
    one_step = [all_gradients[0][0].numpy()]
    expected, _ = naive_muon(parameters()[0].detach().numpy(), one_step, **(SETTINGS | {"momentum": 0.5}))
    np.testing.assert_allclose(frozen.numpy(), expected, rtol=0, atol=1e-12)


def test_muon_in_bfloat16_is_near_that_in_full_precision_and_keeps_float32_weights():
    results = []
    for bfloat16 in (False, True):
        params = parameters(torch.float32)
        optimizer = Muon(params, lr=0.01, weight_decay=0.0, bfloat16=bfloat16)
        results.append(run(optimizer, params, gradients(steps=1)))
    for full, coarse, start in zip(*results, parameters(torch.float32), strict=True):
        assert coarse.dtype == torch.float32
        assert 0 < (full - coarse).norm() < 0.1 * (full - start).norm()


def test_muon_leaves_parameters_without_gradient_alone():
    trained, frozen = parameters()[:2]
    before = frozen.detach().clone()
    optimizer = Muon([trained, frozen], weight_decay=0.5)
    trained.grad = torch.ones_like(trained)
    optimizer.step()
    assert torch.equal(frozen, before)
    assert frozen not in optimizer.state
    assert trained in optimizer.state


def test_muon_continues_from_its_state_as_if_never_interrupted():
    straight = parameters(torch.float32)
    run(optimizer := Muon(straight, **SETTINGS), straight, gradients(steps=5))
    saved = copy.deepcopy(optimizer.state_dict())
    resumed = [torch.nn.Parameter(parameter.detach().clone()) for parameter in straight]
    expected = run(optimizer, straight, gradients(steps=5, seed=13))
    other = Muon(resumed, lr=17.0)
    other.load_state_dict(saved)
    for actual, reference in zip(run(other, resumed, gradients(steps=5, seed=13)), expected, strict=True):
        assert torch.equal(actual, reference)


def test_muon_calls_its_closure_with_gradients_enabled_and_returns_the_loss():
    parameter = torch.nn.Parameter(torch.full((1, 1), 3.0))
    optimizer = Muon([parameter], lr=0.1)

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
        ({"update_rms": -0.2}, "update_rms must not be negative but is -0.2"),
        ({"weight_decay": math.nan}, "weight_decay must not be negative but is nan"),
        ({"momentum": 1.0}, r"momentum must lie in \[0, 1\) but is 1.0"),
        ({"steps": 0}, "steps must be at least 1 but is 0"),
    ],
)
def test_muon_refuses_settings_that_make_no_sense(settings: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        Muon(parameters(), **settings)


def test_muon_refuses_what_is_no_matrix_and_is_then_as_before():
    optimizer = Muon(parameters())
    with pytest.raises(ValueError, match=r"Muon updates matrices but a parameter has the shape \(7,\)"):
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(7))]})
    assert len(optimizer.param_groups) == 1
