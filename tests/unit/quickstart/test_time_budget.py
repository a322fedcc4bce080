import dataclasses

import numpy as np
import torch

from cs336_basics.quickstart import time_budget
from tests.unit.training.small_run import CONFIG, token_data


def test_steps_within_divides_the_time_by_the_measured_time_of_a_step(monkeypatch):
    monkeypatch.setattr(time_budget, "seconds_per_step", lambda config, data: 0.25)
    assert time_budget.steps_within(2, CONFIG, token_data()) == 480
    assert time_budget.steps_within(1e-6, CONFIG, token_data()) == 1


def test_measuring_takes_steps_and_leaves_data_and_random_numbers_as_they_were(monkeypatch):
    monkeypatch.setattr(time_budget, "MEASURED_SECONDS", 0.05)
    steps = []
    take = time_budget.train_step
    monkeypatch.setattr(time_budget, "train_step", lambda *arguments: steps.append(take(*arguments)))
    data, before, random_state = token_data(), token_data(), torch.get_rng_state()
    seconds = time_budget.seconds_per_step(CONFIG, data)
    assert 0 < seconds < 5
    assert len(steps) > time_budget.WARM_UP_STEPS
    np.testing.assert_equal(dataclasses.asdict(data), dataclasses.asdict(before))
    assert torch.equal(torch.get_rng_state(), random_state)
