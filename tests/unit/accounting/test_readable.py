import pytest

from cs336_basics.accounting.readable import aligned, duration, percent, with_unit


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"), (7, "7.00 B"), (999, "999 B"), (999.6, "1.00 kB"), (6_561_811_200, "6.56 GB"),
        (999_499_999, "999 MB"), (999_500_000, "1.00 GB"), (3.5e12, "3.50 TB"), (0.0042, "0.00420 B"),
        (1e25, "10,000 ZB"),
    ],
)  # fmt: skip
def test_numbers_have_three_digits_and_a_unit(value, text):
    assert with_unit(value, "B") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0426, "0.0426 s"), (119, "119 s"), (120, "2.00 minutes"), (7200, "2.00 hours"),
        (6583 * 86_400, "6,583 days"),
    ],
)  # fmt: skip
def test_times_have_the_largest_unit_of_which_there_are_two(seconds, text):
    assert duration(seconds) == text


def test_columns_are_aligned():
    assert aligned([("a", "1", ""), ("bcd", "10", "5%")], indent=1) == [" a     1", " bcd  10  5%"]
    assert percent(0.12345) == "12.3%"
