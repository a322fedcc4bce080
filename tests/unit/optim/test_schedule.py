import itertools
import math

import pytest

from cs336_basics import cosine_schedule

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
