import math

import pytest
import torch

from cs336_basics import SGD


def steps_with_constant_gradient(num_steps: int, **settings) -> list[float]:
    parameter = torch.nn.Parameter(torch.tensor([10.0], dtype=torch.float64))
    optimizer = SGD([parameter], **settings)
    values = []
    for _ in range(num_steps):
        parameter.grad = torch.tensor([2.0], dtype=torch.float64)
        optimizer.step()
        values.append(parameter.item())
    return values


def test_sgd_divides_the_rate_by_the_root_of_the_step():
    expected = [10 - 0.5 * 2 * sum(1 / math.sqrt(t + 1) for t in range(n)) for n in (1, 2, 3)]
    assert steps_with_constant_gradient(3, lr=0.5) == pytest.approx(expected, abs=1e-12)


def test_sgd_without_decay_keeps_the_rate():
    assert steps_with_constant_gradient(3, lr=0.5, decay=False) == pytest.approx([9.0, 8.0, 7.0])


def test_sgd_without_decay_equals_torch():
    ours = torch.nn.Parameter(torch.randn(3, 5))
    theirs = torch.nn.Parameter(ours.detach().clone())
    for optimizer in (SGD([ours], lr=0.1, decay=False), torch.optim.SGD([theirs], lr=0.1)):
        for parameter in optimizer.param_groups[0]["params"]:
            for _ in range(7):
                optimizer.zero_grad()
                parameter.sin().sum().backward()
                optimizer.step()
    torch.testing.assert_close(ours, theirs)


def test_sgd_leaves_parameters_without_gradient_alone():
    parameter = torch.nn.Parameter(torch.ones(3))
    SGD([parameter], lr=1.0).step()
    assert torch.equal(parameter, torch.ones(3))


def test_sgd_continues_its_decay_from_a_saved_state():
    parameter = torch.nn.Parameter(torch.tensor([10.0], dtype=torch.float64))
    first = SGD([parameter], lr=0.5)
    parameter.grad = torch.tensor([2.0], dtype=torch.float64)
    first.step()
    second = SGD([parameter], lr=99.0)
    second.load_state_dict(first.state_dict())
    second.step()
    assert parameter.item() == pytest.approx(steps_with_constant_gradient(2, lr=0.5)[-1], abs=1e-12)


def test_sgd_returns_the_loss_of_its_closure():
    parameter = torch.nn.Parameter(torch.tensor([3.0]))

    def closure():
        loss = parameter.square().sum()
        loss.backward()
        return loss

    loss = SGD([parameter], lr=0.1).step(closure)
    assert loss is not None
    assert loss.item() == 9.0
    assert parameter.item() == pytest.approx(2.4)


def test_sgd_refuses_a_negative_rate():
    with pytest.raises(ValueError, match=r"must not be negative but is -0\.1"):
        SGD([torch.nn.Parameter(torch.ones(1))], lr=-0.1)


def test_sgd_takes_decay_by_keyword_only():
    with pytest.raises(TypeError):
        SGD([torch.nn.Parameter(torch.ones(1))], 0.1, False)  # pyright: ignore[reportCallIssue]
