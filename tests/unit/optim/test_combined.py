import copy

import pytest
import torch

from cs336_basics import SGD, AdamW, Muon
from cs336_basics.optim.combined import CombinedOptimizer

SHAPES = [(3, 5), (7, 2), (11,)]


def parameters() -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(7)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def parts(params) -> list[torch.optim.Optimizer]:
    return [Muon(params[:1]), AdamW([{"params": params[1:2]}, {"params": params[2:], "weight_decay": 0.0}])]


def run(optimizers, params, *, steps: range) -> list[torch.Tensor]:
    """Take steps with gradients and a learning rate that depend on the number of the step only."""
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        for parameter in params:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = 0.01 * (step + 1)
            optimizer.step()
    return [parameter.detach().clone() for parameter in params]


def assert_equal(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=0, atol=0)


def test_a_combination_does_exactly_what_its_parts_do():
    together, apart = parameters(), parameters()
    found = run([CombinedOptimizer(parts(together))], together, steps=range(5))
    assert_equal(found, run(parts(apart), apart, steps=range(5)))
    assert all(not torch.equal(after, before) for after, before in zip(found, parameters(), strict=True))


def test_a_combination_has_the_groups_of_its_parts_in_their_order():
    params = parameters()
    optimizer = CombinedOptimizer(parts(params))
    assert [[id(p) for p in group["params"]] for group in optimizer.param_groups] == [[id(p)] for p in params]
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.01, 0.01, 0.0]


def test_a_combination_takes_over_the_state_that_its_parts_have():
    combined_later, apart = parameters(), parameters()
    own = parts(combined_later)
    run(own, combined_later, steps=range(3))
    found = run([CombinedOptimizer(own)], combined_later, steps=range(3, 6))
    assert_equal(found, run(parts(apart), apart, steps=range(6)))


def test_a_combination_continues_from_its_state_as_if_never_interrupted():
    straight = parameters()
    optimizer = CombinedOptimizer(parts(straight))
    resumed = [torch.nn.Parameter(value) for value in run([optimizer], straight, steps=range(3))]
    other = CombinedOptimizer(parts(resumed))
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    expected = run([optimizer], straight, steps=range(3, 6))
    assert_equal(run([other], resumed, steps=range(3, 6)), expected)
    assert_equal(other.state_dict()["state"], optimizer.state_dict()["state"])


def test_a_copy_of_a_combination_goes_on_by_itself():
    params = parameters()
    optimizer = CombinedOptimizer(parts(params))
    run([optimizer], params, steps=range(3))
    copied, copied_params = copy.deepcopy((optimizer, params))
    before = [parameter.detach().clone() for parameter in params]
    found = run([copied], copied_params, steps=range(3, 6))
    assert_equal([parameter.detach() for parameter in params], before)
    assert_equal(found, run([optimizer], params, steps=range(3, 6)))


def test_zero_grad_and_closure_are_those_of_one_optimizer():
    params = parameters()
    optimizer = CombinedOptimizer(parts(params))

    def closure():
        optimizer.zero_grad()
        loss = torch.stack([parameter.square().sum() for parameter in params]).sum()
        loss.backward()
        return loss

    before = closure().item()
    assert optimizer.step(closure) == before
    assert closure().item() < before
    optimizer.zero_grad()
    assert all(parameter.grad is None for parameter in params)


def test_a_parameter_of_two_parts_is_refused():
    params = parameters()
    with pytest.raises(ValueError, match="more than one parameter group"):
        CombinedOptimizer([SGD(params[:2], lr=0.1), AdamW(params[1:])])


def test_a_group_that_would_belong_to_no_part_is_refused():
    params = parameters()
    optimizer = CombinedOptimizer([SGD(params[:2], lr=0.1)])
    with pytest.raises(ValueError, match="before it is combined"):
        optimizer.add_param_group({"params": params[2:]})
