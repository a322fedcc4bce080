import json
import random

import numpy as np
import pytest
import torch

from cs336_basics.training.random_state import (
    own_random_states,
    random_states,
    restore_random_states,
    seed_everything,
)


def draws() -> list[float]:
    """Draw from every library, an odd number of normal ones: NumPy and Python keep one in store."""
    return [
        random.random(),
        random.gauss(0.0, 1.0),
        np.random.random(),
        np.random.standard_normal(),
        torch.rand(()).item(),
        torch.randn(3).sum().item(),
    ]


@pytest.mark.parametrize("draws_before", [0, 1, 2])
def test_restored_states_draw_the_same_from_every_library(draws_before):
    seed_everything(3)
    for _ in range(draws_before):
        draws()
    stored = json.loads(json.dumps(random_states("cpu")))
    expected = draws()
    assert draws() != expected
    restore_random_states(stored)
    assert draws() == expected


def test_a_run_has_states_of_its_own_and_leaves_those_of_its_caller_alone():
    random.gauss(0.0, 1.0)
    before = random_states("cpu")
    with own_random_states(5, "cpu"):
        first = draws()
    assert random_states("cpu") == before
    with own_random_states(5, "cpu"):
        assert draws() == first
    with own_random_states(6, "cpu"):
        assert draws() != first


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_restored_states_draw_the_same_on_cuda():
    states = random_states("cuda")
    expected = torch.rand(5, device="cuda")
    restore_random_states(states)
    assert torch.equal(torch.rand(5, device="cuda"), expected)
