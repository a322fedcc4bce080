import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from cs336_basics.functional.loss import cross_entropy
from cs336_basics.nn.linear import Linear
from cs336_basics.nn.softcapped_head import SoftcappedHead
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.training.objective import NextTokenLoss, multiplies_by_its_weight, without_cap
from tests.unit.training.small_run import CONFIG


class LouderHead(Linear):
    """A subclass with another forward, as an adapter of low rank would be."""

    def __init__(self, head):
        nn.Module.__init__(self)
        self.weight = head.weight

    def forward(self, x):
        """Return ten times the logits."""
        return 10 * super().forward(x)


class BentHead(nn.Module):
    """A head that has a weight as ours have, and does more with it."""

    def __init__(self, head):
        super().__init__()
        self.weight = head.weight

    def forward(self, x):
        """Return logits that no product with the weight gives."""
        logits = x @ self.weight.T
        return logits - 3 * logits.square()


class ScaledCap(SoftcappedHead):
    """A subclass of the head with a cap, with another forward."""

    def forward(self, x):
        """Return twice the capped logits."""
        return 2 * super().forward(x)


@pytest.mark.parametrize("choice", [{}, {"tie_embeddings": True}, {"logit_softcap": 0.7}])
def test_the_loss_is_the_cross_entropy_of_what_the_model_says(choice):
    torch.manual_seed(0)
    config = replace(CONFIG.model, **choice)
    model = TransformerLM.from_config(config, dtype=torch.float64)
    assert multiplies_by_its_weight(without_cap(model.lm_head)[0])
    compare_with_definition(model)


@pytest.mark.parametrize("capped", [False, True])
@pytest.mark.parametrize("kind", [LouderHead, BentHead])
def test_a_head_of_the_users_is_trained_by_its_own_forward(kind, capped):
    torch.manual_seed(0)
    config = replace(CONFIG.model, logit_softcap=0.7 if capped else None)
    model = TransformerLM.from_config(config, dtype=torch.float64)
    path = "lm_head.head" if capped else "lm_head"
    head = kind(model.get_submodule(path))
    model.set_submodule(path, head)
    compare_with_definition(model)


def test_a_subclass_of_the_head_with_a_cap_is_trained_by_its_own_forward():
    torch.manual_seed(0)
    config = replace(CONFIG.model, logit_softcap=0.7)
    model = TransformerLM.from_config(config, dtype=torch.float64)
    model.set_submodule("lm_head", ScaledCap(model.get_submodule("lm_head.head"), 0.7))
    compare_with_definition(model)


def compare_with_definition(model):
    """Compare the loss and all gradients with those of `cross_entropy` of the model's logits."""
    ids = torch.randint(model.config.vocab_size, (3, 8))
    inputs, targets = ids[:, :-1], ids[:, 1:]
    reference = copy.deepcopy(model)
    expected = cross_entropy(reference(inputs), targets)
    expected.backward()
    loss = NextTokenLoss(model)(inputs, targets)
    loss.backward()
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=0)
    for parameter, other in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, other.grad, rtol=1e-9, atol=1e-12)
