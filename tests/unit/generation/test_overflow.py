import pytest

from cs336_basics.generation.overflow import newest_half, newest_tokens, overflow_rule


@pytest.mark.parametrize(
    ("length", "context_length", "kept"),
    [(3, 4, 3), (4, 4, 4), (5, 4, 4), (9, 4, 4), (1, 1, 1), (2, 1, 1)],
)
def test_newest_tokens_are_as_many_as_fit(length, context_length, kept):
    assert newest_tokens(list(range(length)), context_length) == list(range(length - kept, length))


@pytest.mark.parametrize(
    ("length", "context_length", "kept"),
    [(3, 4, 3), (4, 4, 4), (5, 4, 2), (9, 4, 2), (8, 7, 3), (1, 1, 1), (2, 1, 1), (3, 2, 1)],
)
def test_newest_half_is_kept_of_a_window_that_does_not_fit(length, context_length, kept):
    assert newest_half(list(range(length)), context_length) == list(range(length - kept, length))


def test_an_unknown_rule_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="one of recompute, half but is 'slide'"):
        overflow_rule("slide")  # pyright: ignore[reportArgumentType]
