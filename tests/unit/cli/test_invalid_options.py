import pytest

from cs336_basics.cli.invalid_options import with_option_names

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
        ("runs/batch_size is none; take batch_size", "runs/batch_size is none; take --batch-size"),
        ("batch_size.npy, x-d_model, C:\\d_model", "batch_size.npy, x-d_model, C:\\d_model"),
        ("choose another d_model.", "choose another --d-model."),
        ("", ""),
    ],
)
def test_names_of_fields_become_options(message, expected):
    assert with_option_names(message, FIELDS) == expected
