import pytest

from cs336_basics.cli.invalid_options import with_option_at_the_start, with_option_names

FIELDS = {"batch_size", "steps", "beta1", "d_model", "num_heads"}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("batch_size must be at least 1 but is 0", "--batch-size must be at least 1 but is 0"),
        ("steps must be at least 1", "--steps must be at least 1"),
        ("beta1 must lie in [0, 1)", "--beta1 must lie in [0, 1)"),
        ("after 3 steps", "after 3 steps"),
        ("d_model must be a multiple of num_heads", "--d-model must be a multiple of --num-heads"),
        ("num_heads_of_another is no field", "num_heads_of_another is no field"),
        ("", ""),
    ],
)
def test_names_of_fields_become_options(message, expected):
    assert with_option_names(message, FIELDS) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("batch_size must be at least 1 but is 0", "--batch-size must be at least 1 but is 0"),
        ("steps must be at least 1", "--steps must be at least 1"),
        (
            "expected a run but batch_size has no config.json",
            "expected a run but batch_size has no config.json",
        ),
        ("a folder must be empty, but d_model is there", "a folder must be empty, but d_model is there"),
        ("d_model/config.json: num_heads must be 1", "d_model/config.json: num_heads must be 1"),
        ("'beta1' must be one token", "'beta1' must be one token"),
        ("another must be 1", "another must be 1"),
    ],
)
def test_only_a_field_at_the_start_becomes_an_option_where_paths_may_follow(message, expected):
    assert with_option_at_the_start(message, FIELDS) == expected
