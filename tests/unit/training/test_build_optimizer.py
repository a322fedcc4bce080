import itertools
import json
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch

import cs336_basics.training.loop as loop
from cs336_basics.checkpoint.newest_whole import newest_whole_checkpoint
from cs336_basics.checkpoint.optimizer_state import join_optimizer_state, split_optimizer_state
from cs336_basics.checkpoint.run_checkpoint import (
    load_run_checkpoint,
    save_run_checkpoint,
)
from cs336_basics.checkpoint.snapshot import take_snapshot
from cs336_basics.data.mixture import TokenMixture
from cs336_basics.optim.adamw import AdamW
from cs336_basics.optim.muon import Muon
from cs336_basics.optim.sgd import SGD
from cs336_basics.training.batches import batch_of_step
from cs336_basics.training.build_optimizer import OPTIMIZERS, new_optimizer
from cs336_basics.training.config import OptimizerName, RunConfig, ScheduleName
from cs336_basics.training.metrics import read_metrics
from cs336_basics.training.objective import NextTokenLoss
from cs336_basics.training.state import new_model
from cs336_basics.training.step import train_step
from cs336_basics.training.token_data import TokenData
from tests.unit.training.small_run import CONFIG, run_folder, token_data

pytestmark = pytest.mark.without_type_checks

LEARNING_RATES = {"adamw": 1e-2, "sgd": 1.0, "muon": 3e-2}


def with_optimizer(**changes) -> RunConfig:
    return replace(CONFIG, optimizer=replace(CONFIG.optimizer, **changes))


MUON = with_optimizer(optimizer="muon")


def names_of_groups(model, optimizer) -> list[set[str]]:
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return [{names[id(parameter)] for parameter in group["params"]} for group in optimizer.param_groups]


def gains(model) -> set[str]:
    return {name for name, _ in model.named_parameters() if ".ln" in f".{name}"}


def test_every_optimizer_that_can_be_chosen_exists():
    assert list(OPTIMIZERS) == list(get_args(OptimizerName))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_has_each_parameter_once(optimizer):
    model = new_model(CONFIG)
    groups = names_of_groups(model, new_optimizer(model, with_optimizer(optimizer=optimizer)))
    assert sorted(itertools.chain(*groups)) == sorted(name for name, _ in model.named_parameters())


def test_adamw_spares_the_gains_of_the_norms_from_weight_decay():
    model = new_model(CONFIG)
    optimizer = new_optimizer(model, CONFIG)
    assert type(optimizer) is AdamW
    decayed, spared = optimizer.param_groups
    assert decayed["weight_decay"] == 0.1
    assert spared["weight_decay"] == 0.0
    assert names_of_groups(model, optimizer)[1] == gains(model)


def test_sgd_keeps_the_learning_rate_that_the_schedule_sets():
    config = with_optimizer(optimizer="sgd")
    model = new_model(config)
    optimizer = new_optimizer(model, config)
    assert type(optimizer) is SGD
    for step in (1, 2, 3):
        before = model.lm_head.weight.detach().clone()
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        for group in optimizer.param_groups:
            group["lr"] = 0.1 * step
        optimizer.step()
        torch.testing.assert_close(before - model.lm_head.weight, torch.full((31, 8), 0.1 * step))


def test_muon_gets_the_matrices_of_the_blocks_and_adamw_the_rest():
    model = new_model(MUON)
    optimizer = new_optimizer(model, MUON)
    names = {name for name, _ in model.named_parameters()}
    ends = {"token_embeddings.weight", "lm_head.weight"}
    assert names_of_groups(model, optimizer) == [names - ends - gains(model), ends, gains(model)]
    matrices, others, spared = optimizer.param_groups
    assert (matrices["momentum"], matrices["update_rms"], matrices["weight_decay"]) == (0.95, 0.2, 0.1)
    assert (others["betas"], others["weight_decay"], spared["weight_decay"]) == ((0.9, 0.95), 0.1, 0.0)
    assert {group["lr"] for group in optimizer.param_groups} == {1e-2}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_muon_orthogonalizes_in_the_precision_of_the_run(precision):
    config = replace(MUON, training=replace(MUON.training, precision=precision))
    assert new_optimizer(new_model(config), config).param_groups[0]["bfloat16"] is (precision == "bf16")


def test_under_muon_each_parameter_gets_exactly_what_its_optimizer_alone_would_give():
    model, twin = new_model(MUON), new_model(MUON)
    optimizer, settings = new_optimizer(model, MUON), MUON.optimizer
    matrices = [parameter for parameter in twin.layers.parameters() if parameter.ndim == 2]
    ends = [twin.token_embeddings.weight, twin.lm_head.weight]
    spared = [parameter for parameter in twin.parameters() if parameter.ndim == 1]
    adamw = {"lr": 99.0, "betas": (settings.beta1, settings.beta2), "eps": settings.eps}
    alone = [
        Muon(matrices, weight_decay=0.1),
        AdamW(ends, weight_decay=0.1, **adamw),
        AdamW(spared, weight_decay=0.0, **adamw),
    ]
    for step in range(1, 6):
        for parameter, other in zip(model.parameters(), twin.parameters(), strict=True):
            parameter.grad = torch.randn(parameter.shape)
            other.grad = parameter.grad.clone()
        for each in (optimizer, *alone):
            for group in each.param_groups:
                group["lr"] = 0.01 * step
            each.step()
    torch.testing.assert_close(model.state_dict(), twin.state_dict(), rtol=0, atol=0)


def trained(config: RunConfig, *, steps: int):
    model = new_model(config)
    objective, optimizer = NextTokenLoss(model), new_optimizer(model, config)
    for step in range(1, steps + 1):
        train_step(objective, optimizer, batch_of_step(token_data().train, config, step), config, step)
    return model, optimizer


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_state_survives_its_way_through_json_and_tensors_bit_for_bit(optimizer, tmp_path):
    config = with_optimizer(optimizer=optimizer)
    model, before = trained(config, steps=3)
    tensors, numbers = split_optimizer_state(before)
    joined = join_optimizer_state(tensors, json.loads(json.dumps(numbers)))
    assert joined["param_groups"] == before.state_dict()["param_groups"]
    torch.testing.assert_close(joined["state"], before.state_dict()["state"], rtol=0, atol=0)

    folder = save_run_checkpoint(
        tmp_path, take_snapshot(model, before), step=3, progress={}, random_states={}
    )
    loaded_model = new_model(config)
    after = new_optimizer(loaded_model, config)
    load_run_checkpoint(folder, loaded_model, after)
    assert after.state_dict()["param_groups"] == before.state_dict()["param_groups"]
    torch.testing.assert_close(after.state_dict()["state"], before.state_dict()["state"], rtol=0, atol=0)


@pytest.mark.parametrize(("stored", "asked"), [("adamw", "muon"), ("muon", "adamw"), ("adamw", "sgd")])
def test_the_state_of_another_optimizer_is_refused(stored, asked, tmp_path):
    model, optimizer = trained(with_optimizer(optimizer=stored), steps=1)
    folder = save_run_checkpoint(
        tmp_path, take_snapshot(model, optimizer), step=1, progress={}, random_states={}
    )
    other = new_optimizer(model, with_optimizer(optimizer=asked))
    with pytest.raises(ValueError, match="build model and optimizer as they were"):
        load_run_checkpoint(folder, model, other)


@pytest.mark.parametrize("schedule", get_args(ScheduleName))
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_and_schedule_reduces_the_loss(optimizer, schedule, tmp_path):
    config = with_optimizer(
        optimizer=optimizer, schedule=schedule, learning_rate=LEARNING_RATES[optimizer], warmup_steps=2
    )
    ids = (np.arange(400) % 31).astype(np.uint16)
    run = run_folder(tmp_path)
    loop.train(config, TokenData(train=TokenMixture.by_size(ids), validation=ids[:100]), run)
    losses = [line["loss"] for line in read_metrics(run.metrics)]
    assert losses[-1] < losses[0] - 0.3


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_with_muon_that_continues_equals_the_uninterrupted_run(precision, tmp_path, monkeypatch):
    config = replace(MUON, training=replace(MUON.training, precision=precision))
    whole, broken = run_folder(tmp_path / "whole"), run_folder(tmp_path / "broken")
    expected = loop.train(config, token_data(), whole)

    def dying_step(objective, optimizer, batch, config, step, **how):
        if step == 8:
            raise KeyboardInterrupt
        return train_step(objective, optimizer, batch, config, step, **how)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "train_step", dying_step)
        with pytest.raises(KeyboardInterrupt):
            loop.train(config, token_data(), broken)
    model = loop.train(config, token_data(), broken)

    torch.testing.assert_close(model.state_dict(), expected.state_dict(), rtol=0, atol=0)
    ends = [newest_whole_checkpoint(run.checkpoints) for run in (whole, broken)]
    for name in ("weights.safetensors", "optimizer.safetensors"):
        first, second = (folder / name for folder in ends if folder is not None)
        assert first.read_bytes() == second.read_bytes()
