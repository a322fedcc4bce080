import multiprocessing
import os

import pytest

from cs336_basics.tokenization import worker_pool
from cs336_basics.tokenization.worker_pool import choose_num_workers, map_in_order, usable_cpus


def test_number_of_workers_is_at_most_that_of_the_tasks_and_at_least_one():
    assert choose_num_workers(5, num_tasks=3) == 3
    assert choose_num_workers(2, num_tasks=3) == 2
    assert choose_num_workers(2, num_tasks=0) == 1
    assert choose_num_workers(None, num_tasks=10_000) == usable_cpus()
    assert choose_num_workers(None, num_tasks=3) == 1  # another process would cost more than it does


def test_number_of_workers_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1 but is 0"):
        choose_num_workers(0, num_tasks=3)


def test_a_process_that_may_have_none_of_its_own_works_alone():
    with multiprocessing.Pool(1) as pool:  # its processes are daemonic
        assert pool.apply(choose_num_workers, (None,), {"num_tasks": 100}) == 1


def test_one_worker_starts_no_process(monkeypatch):
    monkeypatch.setattr(worker_pool, "Process", None)
    results = list(map_in_order(lambda shared, task: (shared, task, os.getpid()), "s", [1, 2], num_workers=1))
    assert results == [("s", 1, os.getpid()), ("s", 2, os.getpid())]


def test_one_worker_takes_tasks_only_as_results_are_asked_for():
    taken = []
    results = map_in_order(max, 5, (taken.append(task) or task for task in (3, 7, 1)), num_workers=1)
    assert next(results) == 5
    assert taken == [3]
