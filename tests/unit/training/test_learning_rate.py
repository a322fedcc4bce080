from dataclasses import replace
from typing import get_args

import pytest

from cs336_basics.training.config import RunConfig, ScheduleName
from cs336_basics.training.learning_rate import SCHEDULES, learning_rate_of_step
from tests.unit.training.small_run import CONFIG


def rates(**changes) -> list[float]:
    """Return the rates of all 12 steps and of 2 after them; the warm-up takes 3."""
    config: RunConfig = replace(CONFIG, optimizer=replace(CONFIG.optimizer, **changes))
    return [learning_rate_of_step(config, step) for step in range(1, 15)]


def test_every_schedule_that_can_be_chosen_exists():
    assert list(SCHEDULES) == list(get_args(ScheduleName))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_starts_above_zero_and_warms_up_along_a_line(schedule):
    assert rates(schedule=schedule)[:3] == pytest.approx([1e-2 / 3, 2e-2 / 3, 1e-2])


def test_the_cosine_ends_at_the_minimum_with_the_last_step():
    found = rates()
    assert found == rates(schedule="cosine")
    assert found[2] == max(found)
    assert found[10] > found[11] == found[13] == pytest.approx(1e-3)


def test_the_cosine_can_be_made_longer_than_the_run():
    assert rates(cosine_steps=21)[11] == pytest.approx((1e-2 + 1e-3) / 2)


def test_wsd_stays_at_the_highest_rate_and_ends_at_the_minimum_with_the_last_step():
    found = rates(schedule="wsd", decay_share=0.25)
    assert found[3:] == pytest.approx([1e-2] * 6 + [7e-3, 4e-3, 1e-3, 1e-3, 1e-3])


def test_constant_stays_at_the_highest_rate():
    assert rates(schedule="constant")[2:] == pytest.approx([1e-2] * 12)
