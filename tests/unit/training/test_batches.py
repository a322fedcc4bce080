import threading
import time

import numpy as np
import pytest
import torch

import cs336_basics.training.batches as batches
from cs336_basics.data.mixture import TokenMixture
from cs336_basics.training.batches import batch_of_step, batches_of_steps
from cs336_basics.training.processes import OneProcess
from tests.unit.training.small_run import CONFIG, token_data, with_training


class OneOfThree(OneProcess):
    count = 3

    def __init__(self, rank: int) -> None:
        self.rank = rank


def test_batches_depend_on_seed_and_step_only():
    data = token_data().train
    first = batch_of_step(data, CONFIG, step=3)
    torch.manual_seed(99)
    assert torch.equal(batch_of_step(data, CONFIG, step=3).inputs, first.inputs)
    assert not torch.equal(batch_of_step(data, CONFIG, step=4).inputs, first.inputs)
    assert not torch.equal(batch_of_step(data, with_training(seed=1), step=3).inputs, first.inputs)
    assert first.inputs.shape == first.targets.shape == (6, 7)


def test_processes_share_the_batch_without_overlap():
    data = token_data().train
    whole = batch_of_step(data, CONFIG, step=5)
    parts = [batch_of_step(data, CONFIG, step=5, processes=OneOfThree(rank)) for rank in range(3)]
    assert torch.equal(torch.cat([part.inputs for part in parts]), whole.inputs)
    assert torch.equal(torch.cat([part.targets for part in parts]), whole.targets)


def test_batches_prepared_ahead_are_those_of_their_steps():
    data = token_data().train
    for step, batch in batches_of_steps(data, CONFIG, range(4, 11)):
        expected = batch_of_step(data, CONFIG, step=step)
        assert torch.equal(batch.inputs, expected.inputs)
        assert torch.equal(batch.targets, expected.targets)
    assert step == 10
    assert list(batches_of_steps(data, CONFIG, range(4, 4))) == []


def test_the_next_batch_is_prepared_while_the_current_one_is_used(monkeypatch):
    prepared = []

    def noted(data, config, step, *, processes):
        prepared.append((step, threading.current_thread() is threading.main_thread()))
        return batch_of_step(data, config, step, processes=processes)

    monkeypatch.setattr(batches, "batch_of_step", noted)
    used = batches_of_steps(token_data().train, CONFIG, range(1, 4))
    next(used)
    deadline = time.monotonic() + 10
    while len(prepared) < 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    assert prepared == [(1, False), (2, False)]
    used.close()
    assert not any(thread.name.startswith("batches") for thread in threading.enumerate())


def test_an_error_while_a_batch_is_prepared_reaches_the_loop():
    too_short = TokenMixture.by_size(np.arange(5))
    with pytest.raises(ValueError, match="more tokens than the context"):
        next(batches_of_steps(too_short, CONFIG, range(1, 3)))
