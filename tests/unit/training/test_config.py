import dataclasses

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


def test_run_config_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CONFIG.training.steps = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_cosine_ends_at_the_last_step_unless_told_otherwise():
    assert CONFIG.cosine_steps == 12
    longer = dataclasses.replace(CONFIG, optimizer=OptimizerConfig(cosine_steps=40))
    assert longer.cosine_steps == 40


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"steps": 0}, "steps must be at least 1 but is 0"),
        ({"batch_size": 0}, "batch_size"),
        ({"accumulation_steps": 4}, "4 does not divide 6"),
        ({"evaluation_tokens": 1}, "evaluation_tokens"),
        ({"seed": -1}, "seed"),
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
        ({"learning_rate": 1e-5}, "min_learning_rate must not exceed"),
        ({"max_gradient_norm": 0.0}, "max_gradient_norm"),
    ],
    ids=str,
)
def test_optimizer_config_refuses(changes, named):
    with pytest.raises(ValueError, match=named):
        OptimizerConfig(**changes)
