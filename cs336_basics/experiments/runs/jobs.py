"""Many runs: one after another in this process, or several at once in worker processes."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing.synchronize import Event

import torch

from cs336_basics.experiments.runs.one_run import Outcome, do_run, kept_result
from cs336_basics.experiments.runs.plan import PlannedRun
from cs336_basics.tokenization.worker_pool import usable_cpus
from cs336_basics.training.stop_signals import never

SECONDS_BETWEEN_LOOKS = 0.2  # at whether to stop


def do_runs(
    plans: list[PlannedRun],
    *,
    jobs: int = 1,
    should_stop: Callable[[], bool] = never,
    progress: bool = False,
) -> Iterator[Outcome]:
    """Yield what becomes of each run, as soon as it is known.

    When `should_stop` says yes, the runs at work are saved and end, and no other begins.
    """
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1 but is {jobs}")
    left = []
    for plan in plans:
        kept = kept_result(plan)
        if kept is None:
            left.append(plan)
        else:
            yield Outcome(name=plan.name, state="kept", result=kept)
    if jobs > 1 and len(left) > 1:
        yield from do_runs_at_once(left, jobs=jobs, should_stop=should_stop)
        return
    for plan in left:
        if should_stop():
            return
        yield do_run(plan, should_stop=should_stop, progress=progress)


def do_runs_at_once(
    plans: list[PlannedRun], *, jobs: int, should_stop: Callable[[], bool]
) -> Iterator[Outcome]:
    """Do runs in a pool of processes that share the CPUs evenly."""
    context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
    stop = context.Event()
    num_threads = max(1, usable_cpus() // jobs)
    pool = ProcessPoolExecutor(
        min(jobs, len(plans)), mp_context=context, initializer=prepare_worker, initargs=(stop, num_threads)
    )
    waiting = iter(plans)
    pending: set[Future[Outcome]] = set()
    try:
        while True:
            if should_stop():
                stop.set()
            while not stop.is_set() and len(pending) < jobs and (plan := next(waiting, None)) is not None:
                pending.add(pool.submit(do_run_of_worker, plan))
            if not pending:
                return
            done, pending = wait(pending, timeout=SECONDS_BETWEEN_LOOKS, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


# What a worker process holds between runs.
_stop: Event | None = None


def prepare_worker(stop: Event, num_threads: int) -> None:
    """Leave signals from the keyboard to the parent process, which says when to stop."""
    global _stop
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(num_threads)


def do_run_of_worker(plan: PlannedRun) -> Outcome:
    """Do a run in a worker process; one whose parent has died saves its run and ends too."""
    outcome = do_run(plan, should_stop=worker_should_stop)
    if is_orphan():
        os._exit(1)  # the pool would wait for more work forever
    return outcome


def worker_should_stop() -> bool:
    """Say whether the parent process has asked to stop, or has died."""
    assert _stop is not None, "the worker was not prepared"
    return _stop.is_set() or is_orphan()


def is_orphan() -> bool:
    """Say whether the process that started this one has died."""
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()
