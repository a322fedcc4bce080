import dataclasses
import math
from functools import partial

import pytest

from cs336_basics.training.config import OptimizerConfig, RunConfig, TrainingConfig
from tests.unit.training.small_run import CONFIG


def test_run_config_survives_a_round_trip_through_dictionaries():
    assert RunConfig.from_dict(CONFIG.to_dict()) == CONFIG


def test_run_config_names_a_field_that_does_not_exist():
    values = CONFIG.to_dict()
    values["optimizer"]["momentum"] = 0.9
    with pytest.raises(ValueError, match=r"optimizer\.momentum"):
        RunConfig.from_dict(values)


def test_run_config_gives_fields_that_are_missing_their_defaults():
    values = CONFIG.to_dict()
    later = ("optimizer", "schedule", "decay_share", "muon_momentum", "muon_update_rms")
    for name in later:
        del values["optimizer"][name]
    found = RunConfig.from_dict(values)
    assert found == CONFIG
    assert (found.optimizer.optimizer, found.optimizer.schedule) == ("adamw", "cosine")


def test_run_config_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CONFIG.training.steps = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_cosine_ends_at_the_last_step_unless_told_otherwise():
    assert CONFIG.cosine_steps == 12
    longer = dataclasses.replace(CONFIG, optimizer=OptimizerConfig(cosine_steps=40))
    assert longer.cosine_steps == 40


@pytest.mark.parametrize(("share", "steps"), [(0.25, 3), (0.2, 2), (1.0, 12), (0.01, 1)])
def test_the_decay_takes_its_share_of_the_steps_and_at_least_one(share, steps):
    config = dataclasses.replace(CONFIG, optimizer=OptimizerConfig(decay_share=share))
    assert config.decay_steps == steps


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"steps": 0}, "steps must be at least 1 but is 0"),
        ({"batch_size": 0}, "batch_size"),
        ({"accumulation_steps": 4}, "4 does not divide 6"),
        ({"evaluation_tokens": 1}, "evaluation_tokens"),
        ({"seed": -1}, r"seed must lie in 0\.\.2\^63 - 1 but is -1"),
        ({"seed": 1 << 63}, r"seed must lie in 0\.\.2\^63 - 1"),
    ],
    ids=str,
)
def test_training_config_refuses(changes, named):
    with pytest.raises(ValueError, match=named):
        TrainingConfig(**{"steps": 5, "batch_size": 6, **changes})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"learning_rate": -1.0}, "learning_rate must not be negative but is -1.0"),
        ({"learning_rate": 1e-5, "min_learning_rate": 2e-5}, "min_learning_rate must not exceed"),
        ({"min_learning_rate": -1e-9}, "min_learning_rate must not be negative but is -1e-09"),
        ({"min_learning_rate": math.nan}, "min_learning_rate must not be negative but is nan"),
        ({"learning_rate": 1e308}, "learning_rate must be a number that float32 has but is 1e\\+308"),
        ({"weight_decay": math.inf}, "weight_decay must be a number that float32 has but is inf"),
        ({"eps": math.inf}, "eps must be a number that float32 has but is inf"),
        ({"max_gradient_norm": 0.0}, "max_gradient_norm"),
        ({"decay_share": 0.0}, r"decay_share must lie in \(0, 1\] but is 0.0"),
        ({"decay_share": 1.5}, r"decay_share must lie in \(0, 1\] but is 1.5"),
        ({"muon_momentum": 1.0}, r"muon_momentum must lie in \[0, 1\) but is 1.0"),
        ({"muon_update_rms": -0.2}, "muon_update_rms must not be negative but is -0.2"),
    ],
    ids=str,
)
def test_optimizer_config_refuses(changes, named):
    with pytest.raises(ValueError, match=named):
        OptimizerConfig(**changes)


@pytest.mark.parametrize(
    ("config", "choice", "message"),
    [
        (OptimizerConfig, {"optimizer": "lion"}, "optimizer must be one of adamw, sgd, muon but is 'lion'"),
        (
            OptimizerConfig,
            {"schedule": "linear"},
            "schedule must be one of cosine, wsd, constant but is 'linear'",
        ),
        (
            partial(TrainingConfig, steps=1),
            {"device": "cuda:0"},
            "device must be one of auto, cpu, cuda, mps but is 'cuda:0'",
        ),
        (
            partial(TrainingConfig, steps=1),
            {"precision": "fp16"},
            "precision must be one of auto, fp32, bf16, fp64 but is 'fp16'",
        ),
    ],
)
def test_config_names_the_choices_when_given_an_unknown_one(config, choice, message):
    with pytest.raises(ValueError, match=message):
        config(**choice)


def test_the_lowest_learning_rate_is_a_tenth_of_the_highest_where_none_is_given():
    assert OptimizerConfig(learning_rate=3e-5).lowest_learning_rate == pytest.approx(3e-6, rel=1e-12)
    assert OptimizerConfig(learning_rate=3e-5, min_learning_rate=0.0).lowest_learning_rate == 0


def test_a_whole_number_becomes_a_float_where_one_may_be_left_out():
    values = CONFIG.to_dict()
    values["optimizer"]["min_learning_rate"] = 0
    assert type(RunConfig.from_dict(values).optimizer.min_learning_rate) is float
