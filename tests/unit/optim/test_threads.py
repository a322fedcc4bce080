import os
import signal
import threading
import time

import pytest

from cs336_basics.optim.threads import run_in_threads


def test_each_task_has_a_thread_of_its_own():
    together = threading.Barrier(3, timeout=60)
    run_in_threads([together.wait] * 3)


def test_the_first_error_is_raised_when_all_have_ended():
    ended = []

    def fail():
        raise ZeroDivisionError

    def take_longer():
        time.sleep(0.2)
        ended.append(True)

    with pytest.raises(ZeroDivisionError):
        run_in_threads([fail, take_longer])
    assert ended == [True]


def test_a_thread_that_cannot_be_started_is_told_when_the_others_have_ended(monkeypatch):
    ended = []

    def take_longer():
        time.sleep(0.2)
        ended.append(True)

    def tasks():
        yield take_longer
        monkeypatch.setattr(threading.Thread, "start", lambda thread: int("no more threads"))
        yield take_longer

    with pytest.raises(ValueError, match="no more threads"):
        run_in_threads(tasks())
    assert ended == [True]


def test_ctrl_c_is_raised_when_all_have_ended():
    ended = []

    def take_longer():
        time.sleep(0.4)
        ended.append(True)

    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        run_in_threads([take_longer])
    assert ended == [True]
