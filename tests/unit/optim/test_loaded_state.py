import copy
import pickle

import pytest
import torch

from cs336_basics import SGD, AdamW, Muon, load_checkpoint, save_checkpoint
from cs336_basics.optim.combined import CombinedOptimizer

OTHERS = {
    "torch's AdamW": torch.optim.AdamW,
    "torch's SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
    "AdamW": AdamW,
    "Muon": Muon,
    "SGD": SGD,
}


class TwoMatrices(torch.nn.Module):
    """Has two parameters of different shapes."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = torch.nn.Parameter(torch.randn(3, 5))
        self.second = torch.nn.Parameter(torch.randn(7, 2))


def take_steps(model, optimizer):
    for _ in range(2):
        (model.first.square().sum() + model.second.square().sum()).backward()
        optimizer.step()


@pytest.mark.parametrize("own", [AdamW, Muon, SGD])
@pytest.mark.parametrize("other", OTHERS)
def test_a_checkpoint_of_another_optimizer_is_refused_and_changes_nothing(tmp_path, own, other):
    if OTHERS[other] is own:
        pytest.skip("the same one")
    model = TwoMatrices()
    written_by = OTHERS[other](model.parameters())
    take_steps(model, written_by)
    save_checkpoint(model, written_by, 2, tmp_path / "checkpoint.pt")
    model = TwoMatrices()
    optimizer = own(model.parameters())
    take_steps(model, optimizer)
    before = copy.deepcopy((model.state_dict(), optimizer.state_dict()))
    with pytest.raises(ValueError, match=r"must hold the state of an optimizer .* that wrote it$"):
        load_checkpoint(tmp_path / "checkpoint.pt", model, optimizer)
    torch.testing.assert_close((model.state_dict(), optimizer.state_dict()), before, rtol=0, atol=0)
    take_steps(model, optimizer)


@pytest.mark.parametrize(("kind", "name"), [(AdamW, "first_moment"), (Muon, "momentum_buffer")])
def test_state_of_parameters_in_another_order_is_refused(kind, name):
    model = TwoMatrices()
    optimizer = kind([model.first, model.second])
    take_steps(model, optimizer)
    reversed_one = kind([model.second, model.first])
    message = rf"shape \(7, 2\) must have a {name} of that shape but has \(3, 5\)"
    with pytest.raises(ValueError, match=message):
        reversed_one.load_state_dict(optimizer.state_dict())


@pytest.mark.parametrize("kind", [AdamW, Muon])
def test_its_own_state_is_taken_over_also_where_a_parameter_was_never_updated(kind):
    model = TwoMatrices()
    optimizer = kind(model.parameters())
    model.first.square().sum().backward()
    optimizer.step()
    for again in (kind(model.parameters()), copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        again.load_state_dict(optimizer.state_dict())
        assert again.state_dict()["state"].keys() == {0}


def combination(model, *kinds):
    return CombinedOptimizer(
        [kind([parameter]) for kind, parameter in zip(kinds, model.parameters(), strict=True)]
    )


@pytest.mark.parametrize("kinds", [(AdamW, AdamW), (AdamW, Muon), (SGD, AdamW)])
def test_a_combination_refuses_the_state_of_others_and_goes_on_as_before(tmp_path, kinds):
    model = TwoMatrices()
    other = combination(model, *kinds)
    take_steps(model, other)
    save_checkpoint(model, other, 2, tmp_path / "checkpoint.pt")
    model, reference = TwoMatrices(), TwoMatrices()
    optimizer, expected = (combination(each, Muon, AdamW) for each in (model, reference))
    for each, of_it in ((model, optimizer), (reference, expected)):
        take_steps(each, of_it)
    with pytest.raises(ValueError, match="must hold the state of an optimizer"):
        load_checkpoint(tmp_path / "checkpoint.pt", model, optimizer)
    assert all(part.state is optimizer.state for part in optimizer.parts)
    for each, of_it in ((model, optimizer), (reference, expected)):
        take_steps(each, of_it)
    torch.testing.assert_close(model.state_dict(), reference.state_dict(), rtol=0, atol=0)


def test_a_setting_that_a_scheduler_has_added_is_not_missed(tmp_path):
    model = TwoMatrices()
    optimizer = AdamW(model.parameters())
    save_checkpoint(model, optimizer, 2, tmp_path / "checkpoint.pt")
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5)
    assert load_checkpoint(tmp_path / "checkpoint.pt", model, optimizer) == 2
