"""Run a function over many tasks in worker processes, with results in order and bounded memory.

The processes start by the platform's default method (fork, spawn or forkserver), so everything sent to
them is picklable: module-level functions and plain data.
"""

import math
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

TASKS_WORTH_A_WORKER = 4  # a task takes some 50 ms, and so does starting a worker
TASKS_PER_WORKER = 2  # one at work and one waiting: no worker is ever idle, and few results pile up


def choose_num_workers(num_workers: int | None, *, num_tasks: int) -> int:
    """Return how many workers to use, never more than tasks; unless told, as many CPUs as it pays to use."""
    if num_workers is None:
        num_workers = min(usable_cpus(), math.ceil(num_tasks / TASKS_WORTH_A_WORKER))
    if num_workers < 1:
        raise ValueError(f"num_workers must be at least 1 but is {num_workers}; leave it out to use all CPUs")
    return max(1, min(num_workers, num_tasks))


def usable_cpus() -> int:
    """Return the number of CPUs that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    cpus = os.cpu_count() or 1
    return min(cpus, 61) if os.name == "nt" else cpus  # as many as a pool can wait for on Windows


def map_in_order(
    function: Callable[[Any, Any], Any], shared: Any, tasks: Iterable[Any], *, num_workers: int
) -> Iterator[Any]:
    """Yield `function(shared, task)` for each task, in order; a single worker is this process itself.

    `shared` is sent to each worker once. An exception of the function is raised here; a worker that dies
    is a `RuntimeError`. Either way the processes are ended before this returns.
    """
    if num_workers == 1:
        for task in tasks:
            yield function(shared, task)
        return
    executor = ProcessPoolExecutor(num_workers, initializer=_prepare_worker, initargs=(function, shared))
    in_flight = deque()
    try:
        for task in tasks:
            in_flight.append(executor.submit(_run_task, task))
            if len(in_flight) == TASKS_PER_WORKER * num_workers:
                yield in_flight.popleft().result()
        while in_flight:
            yield in_flight.popleft().result()
    except BrokenProcessPool:
        raise RuntimeError(
            "every worker process must live until its work is done but one died, for lack of memory or "
            'because the main script works outside `if __name__ == "__main__":`; try num_workers=1'
        ) from None
    finally:
        executor.shutdown(cancel_futures=True)


# What a worker process holds between tasks.
_worker_function: Callable[[Any, Any], Any] | None = None
_worker_shared: Any = None


def _prepare_worker(function: Callable[[Any, Any], Any], shared: Any) -> None:
    """Keep what all tasks need, and leave an interrupt from the keyboard to the parent process."""
    global _worker_function, _worker_shared
    _worker_function, _worker_shared = function, shared
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run_task(task: Any) -> Any:
    assert _worker_function is not None, "the worker was not prepared"
    return _worker_function(_worker_shared, task)
