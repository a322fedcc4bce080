from cs336_basics.quickstart import time_budget
from tests.unit.training.small_run import CONFIG, token_data


def test_steps_within_divides_the_time_by_the_measured_time_of_a_step(monkeypatch):
    monkeypatch.setattr(time_budget, "seconds_per_step", lambda config, data: 0.25)
    assert time_budget.steps_within(2, CONFIG, token_data()) == 480
    assert time_budget.steps_within(1e-6, CONFIG, token_data()) == 1


def test_seconds_per_step_is_measured_on_a_copy(monkeypatch):
    monkeypatch.setattr(time_budget, "MEASURED_SECONDS", 0.05)
    assert 0 < time_budget.seconds_per_step(CONFIG, token_data()) < 5
