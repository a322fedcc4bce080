"""Work done by several threads at once, for functions that leave Python's lock to others meanwhile."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")


def run_in_threads(tasks: Iterable[Callable[[], Result]]) -> list[Result]:
    """Run each task in a thread of its own, and return what they return when all have ended.

    The first error is raised then, and a first Ctrl-C too, which interrupts no task. (A `ThreadPoolExecutor`
    takes on nothing more once the main thread has ended, though others may still be training; and a `Thread`
    whose `join` was interrupted passes for ended before Python 3.13.)
    """
    futures: list[Future[Result]] = []
    try:
        for task in tasks:
            future: Future[Result] = Future()
            Thread(target=settle, args=(future, task)).start()
            futures.append(future)
        wait(futures)
    finally:
        wait(futures)
    return [future.result() for future in futures]


def settle(future: "Future[Result]", task: Callable[[], Result]) -> None:
    """Do the task, and leave in `future` what came of it."""
    try:
        future.set_result(task())
    except BaseException as error:  # raised again by `future.result()`
        future.set_exception(error)
