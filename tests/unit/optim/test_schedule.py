import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs336_basics import constant_schedule, cosine_schedule, wsd_schedule

MAXIMUM, MINIMUM, WARMUP, END = 1.0, 0.1, 7, 21


def rate(step: int, warmup: int = WARMUP, end: int = END) -> float:
    return cosine_schedule(step, MAXIMUM, MINIMUM, warmup, end)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, 0.0),
        (1, 1 / 7),
        (6, 6 / 7),
        (7, 1.0),
        (14, 0.55),
        (20, 0.1 + 0.45 * (1 + math.cos(math.pi * 13 / 14))),
        (21, 0.1),
        (22, 0.1),
        (10_000, 0.1),
    ],
)
def test_cosine_schedule_table(step, expected):
    assert rate(step) == pytest.approx(expected, abs=1e-12)


def test_cosine_schedule_without_warmup_starts_at_the_maximum():
    assert rate(0, warmup=0) == MAXIMUM
    assert rate(END, warmup=0) == MINIMUM


def test_cosine_schedule_with_nothing_after_the_warmup_goes_to_the_minimum():
    assert [rate(step, warmup=7, end=7) for step in (6, 7, 8)] == pytest.approx([6 / 7, 0.1, 0.1])


def test_cosine_schedule_without_any_step_is_the_minimum():
    assert rate(0, warmup=0, end=0) == MINIMUM


def test_cosine_schedule_rises_then_falls_and_never_jumps():
    rates = [rate(step, warmup=100, end=1000) for step in range(1200)]
    changes = [after - before for before, after in itertools.pairwise(rates)]
    assert all(change > 0 for change in changes[:100])
    assert all(change < 0 for change in changes[100:1000])
    assert all(change == 0 for change in changes[1000:])
    assert max(abs(change) for change in changes) < 0.011


def stable_rate(step: int, *, warmup: int = 4, decay: int = 5, end: int = 20) -> float:
    return wsd_schedule(step, MAXIMUM, MINIMUM, warmup_steps=warmup, decay_steps=decay, end_step=end)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, 0.0),
        (1, 0.25),
        (3, 0.75),
        (4, 1.0),
        (10, 1.0),
        (15, 1.0),
        (16, 0.82),
        (18, 0.46),
        (19, 0.28),
        (20, 0.1),
        (21, 0.1),
        (10_000, 0.1),
    ],
)
def test_wsd_schedule_table(step, expected):
    assert stable_rate(step) == pytest.approx(expected, abs=1e-12)


def test_wsd_schedule_without_warmup_starts_at_the_maximum():
    assert stable_rate(0, warmup=0) == MAXIMUM


def test_wsd_schedule_whose_decay_takes_all_steps_is_a_line():
    rates = [stable_rate(step, warmup=0, decay=20) for step in range(21)]
    assert rates == pytest.approx([1 - 0.9 * step / 20 for step in range(21)])


def test_wsd_schedule_refuses_a_decay_of_no_steps():
    with pytest.raises(ValueError, match="decay_steps must be at least 1 but is 0"):
        stable_rate(3, decay=0)


@given(warmup=st.integers(0, 50), decay=st.integers(1, 50), end=st.integers(1, 70))
def test_wsd_schedule_never_jumps_and_stays_between_its_limits(warmup, decay, end):
    rates = [stable_rate(step, warmup=warmup, decay=decay, end=end) for step in range(end + 60)]
    steepest = max(MAXIMUM / max(warmup, 1), (MAXIMUM - MINIMUM) / decay)
    assert all(0 <= rate <= MAXIMUM for rate in rates)
    assert all(abs(after - before) <= steepest + 1e-12 for before, after in itertools.pairwise(rates))
    assert all(rate <= MINIMUM for rate in rates[end:])
    if warmup + decay <= end:
        assert max(rates) == MAXIMUM
        assert rates.count(MAXIMUM) == end - decay - warmup + 1
        assert rates[end] == MINIMUM


@pytest.mark.parametrize(
    ("step", "expected"), [(0, 0.0), (1, 0.2), (4, 0.8), (5, 1.0), (6, 1.0), (10_000, 1.0)]
)
def test_constant_schedule_table(step, expected):
    assert constant_schedule(step, MAXIMUM, warmup_steps=5) == pytest.approx(expected, abs=1e-12)


def test_constant_schedule_without_warmup_is_constant():
    assert constant_schedule(0, 0.3, warmup_steps=0) == 0.3
