"""Run a function over many tasks in worker processes, with results in order and bounded memory.

The processes start by the platform's default method (fork, spawn or forkserver), so everything sent to
them is picklable: module-level functions and plain data. Each has a pipe of its own, and a thread of this
process that waits at it: `concurrent.futures.ProcessPoolExecutor`, whose workers share one pipe, waits for
ever when a worker is killed in the middle of sending a result.
"""

import math
import os
import pickle
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from multiprocessing import Pipe, Process, current_process
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from typing import Any

TASKS_WORTH_A_WORKER = 4  # a task takes some 50 ms, and so does starting a worker
TASKS_PER_WORKER = 2  # one at work and one waiting: no worker is ever idle, and few results pile up


def choose_num_workers(num_workers: int | None, *, num_tasks: int) -> int:
    """Return how many workers to use, never more than tasks; unless told, as many CPUs as it pays to use.

    A daemonic process, as those of `multiprocessing.Pool` are, may have none of its own.
    """
    if num_workers is None and current_process().daemon:
        return 1
    if num_workers is None:
        num_workers = min(usable_cpus(), math.ceil(num_tasks / TASKS_WORTH_A_WORKER))
    if num_workers < 1:
        raise ValueError(f"num_workers must be at least 1 but is {num_workers}; leave it out to use all CPUs")
    return max(1, min(num_workers, num_tasks))


def usable_cpus() -> int:
    """Return the number of CPUs that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
    with ExitStack() as ending:
        threads = ending.enter_context(ThreadPoolExecutor(num_workers))
        idle_workers = SimpleQueue()
        for _ in range(num_workers):
            worker = _Worker(function, shared)
            ending.callback(worker.end)
            idle_workers.put(worker)
        in_flight = deque()
        for task in tasks:
            in_flight.append(threads.submit(_run_on_idle_worker, idle_workers, task))
            if len(in_flight) == TASKS_PER_WORKER * num_workers:
                yield in_flight.popleft().result()
        while in_flight:
            yield in_flight.popleft().result()


def _run_on_idle_worker(idle_workers: SimpleQueue["_Worker"], task: Any) -> Any:
    worker = idle_workers.get()  # there is one: as many threads as workers take one each
    try:
        return worker.run(task)
    finally:
        idle_workers.put(worker)


class _Worker:
    """A process that applies one function to the tasks that it is sent, and the end of the pipe to it."""

    def __init__(self, function: Callable[[Any, Any], Any], shared: Any) -> None:
        self._first_message: Any = (function, shared)
        self._connection, connection_of_process = Pipe()
        # What is large goes through the pipe later: Python waits for ever for a process that cannot start.
        self._process = Process(target=_work, args=(connection_of_process, self._connection), daemon=True)
        self._process.start()
        connection_of_process.close()  # so that the process is the only one that holds it

    def run(self, task: Any) -> Any:
        """Return what the function makes of `task`, or raise what it raised."""
        try:
            if self._first_message is not None:
                self._receive()  # it has started
                self._connection.send(self._first_message)
                self._first_message = None
            self._connection.send(task)
            result, error = self._receive()
        except (EOFError, OSError):
            raise RuntimeError(
                "every worker process must live until its work is done but one died, for lack of memory or "
                'because the main script works outside `if __name__ == "__main__":`; try num_workers=1'
            ) from None
        if error is not None:
            raise error
        return result

    def _receive(self) -> Any:
        """Wait for a message or for the process's end, which on Windows need not end the connection."""
        if self._connection not in wait([self._connection, self._process.sentinel]):
            raise EOFError
        return self._connection.recv()

    def end(self) -> None:
        """Kill the process, whatever it does: a thread that waits for its answer gets an error."""
        self._process.kill()
        self._process.join()
        # The connection is left to the garbage collector: a thread may still be at it.


def _work(connection: Connection, connection_of_parent: Connection) -> None:
    """Answer tasks until the parent is gone; leave an interrupt from the keyboard to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection_of_parent.close()  # a copy, which would keep the pipe open when the parent is killed
    with suppress(EOFError, OSError):
        connection.send("started")
        function, shared = connection.recv()
        while True:
            connection.send_bytes(_answer(function, shared, connection.recv()))


def _answer(function: Callable[[Any, Any], Any], shared: Any, task: Any) -> bytes:
    """Return result and error, one of which is None, as they are sent."""
    try:
        return pickle.dumps((function(shared, task), None))
    except Exception as error:  # whatever it is: raised again in the parent, where its traceback is lost
        error.add_note(f"In a worker process: {traceback.format_exc()}")
        return pickle.dumps((None, _that_can_be_sent(error)))


def _that_can_be_sent(error: Exception) -> Exception:
    """Return an error that is the same in another process, or one that says what it was."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # an error may refuse in any way
        described = RuntimeError(f"{type(error).__name__}: {error}")
        described.__notes__ = error.__notes__
        return described
    return error
