import copy
from dataclasses import replace

import pytest
import torch

from cs336_basics.training.batches import batch_of_step
from cs336_basics.training.build_optimizer import new_optimizer
from cs336_basics.training.finite import NonFiniteError
from cs336_basics.training.objective import NextTokenLoss
from cs336_basics.training.state import new_model
from cs336_basics.training.step import accumulate_gradients, train_step
from tests.unit.training.small_run import CONFIG, token_data, with_training


def test_accumulation_gives_the_loss_and_gradients_of_the_whole_batch():
    batch = batch_of_step(token_data().train, CONFIG, step=1)
    results = []
    for num_parts in (1, 2, 3, 6):
        model = new_model(CONFIG).double()
        loss = accumulate_gradients(NextTokenLoss(model), batch, with_training(accumulation_steps=num_parts))
        results.append((loss.item(), [parameter.grad for parameter in model.parameters()]))
    whole_loss, whole_gradients = results[0]
    for loss, gradients in results[1:]:
        assert loss == pytest.approx(whole_loss, rel=1e-6)
        torch.testing.assert_close(gradients, whole_gradients, rtol=1e-6, atol=1e-9)


def test_train_step_stops_before_the_update_when_the_loss_is_not_finite():
    model = new_model(CONFIG)
    optimizer = new_optimizer(model, CONFIG)
    data = token_data().train
    objective = NextTokenLoss(model)
    train_step(objective, optimizer, batch_of_step(data, CONFIG, 1), CONFIG, step=1)
    with torch.no_grad():
        model.lm_head.weight[0, 0] = float("inf")
    before = copy.deepcopy(model.state_dict())
    moments = copy.deepcopy(optimizer.state_dict()["state"])
    with pytest.raises(NonFiniteError, match="at step 2 the loss is nan"):
        train_step(objective, optimizer, batch_of_step(data, CONFIG, 2), CONFIG, step=2)
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    torch.testing.assert_close(optimizer.state_dict()["state"], moments, rtol=0, atol=0)


def test_train_step_applies_clipping_and_the_schedule():
    model = new_model(CONFIG)
    optimizer = new_optimizer(model, CONFIG)
    batch = batch_of_step(token_data().train, CONFIG, step=2)
    result = train_step(NextTokenLoss(model), optimizer, batch, CONFIG, step=2)
    assert result.learning_rate == pytest.approx(2e-2 / 3)
    assert all(group["lr"] == result.learning_rate for group in optimizer.param_groups)
    assert all(parameter.grad is None for parameter in model.parameters())
    tighter = replace(CONFIG, optimizer=replace(CONFIG.optimizer, max_gradient_norm=result.gradient_norm / 7))
    clipped_model = new_model(CONFIG)
    clipped_optimizer = new_optimizer(clipped_model, CONFIG)
    clipped = train_step(NextTokenLoss(clipped_model), clipped_optimizer, batch, tighter, step=2)
    assert clipped.gradient_norm == result.gradient_norm
    moments = [
        optimizer.state[model.lm_head.weight]["first_moment"],
        clipped_optimizer.state[clipped_model.lm_head.weight]["first_moment"],
    ]
    full = CONFIG.optimizer.max_gradient_norm / max(result.gradient_norm, CONFIG.optimizer.max_gradient_norm)
    torch.testing.assert_close(moments[1], moments[0] / (7 * full), rtol=1e-4, atol=1e-9)
