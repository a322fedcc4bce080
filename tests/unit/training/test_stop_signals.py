import os
import signal
import subprocess
import sys

import pytest

from cs336_basics.training.loop import train
from cs336_basics.training.stop_signals import STOP_SIGNALS, StopRequest
from tests.unit.training.small_run import CONFIG, run_folder, token_data

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows ends a process instead of sending SIGTERM")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_first_signal_is_remembered_and_the_next_would_end_the_process(number, status):
    before = [signal.getsignal(each) for each in STOP_SIGNALS]
    with StopRequest() as stop:
        assert not stop()
        os.kill(os.getpid(), number)
        assert stop()
        assert stop.exit_status == status
        assert [signal.getsignal(each) for each in STOP_SIGNALS] == [signal.SIG_DFL] * 2
    assert [signal.getsignal(each) for each in STOP_SIGNALS] == before


WAITS_LONG = """
import time
from cs336_basics.training.stop_signals import StopRequest
with StopRequest() as stop:
    print("ready", flush=True)
    while not stop():
        time.sleep(0.01)
    print("stopping", flush=True)
    time.sleep(100)
"""


@pytest.mark.parametrize("second", STOP_SIGNALS)
def test_a_second_signal_ends_the_process_at_once(second):
    process = subprocess.Popen([sys.executable, "-c", WAITS_LONG], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "stopping\n"
    process.send_signal(second)
    assert process.wait(timeout=20) == -second
    process.stdout.close()


def test_among_several_processes_a_second_signal_means_nothing():
    with StopRequest(one_of_several=True) as stop:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
        assert stop.exit_status == 143


def test_a_process_without_a_signal_of_its_own_takes_over_that_of_another():
    with StopRequest(one_of_several=True) as stop:
        stop.adopt(0)
        assert (stop(), stop.number) == (False, 0)
        stop.adopt(signal.SIGINT.value)
        assert (stop(), stop.number, stop.exit_status) == (True, 2, 130)


def test_an_ignored_signal_stays_ignored(monkeypatch):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with StopRequest():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)


def test_train_itself_installs_no_handlers(tmp_path):
    before = [signal.getsignal(each) for each in STOP_SIGNALS]
    seen = []

    def look() -> bool:
        seen.append([signal.getsignal(each) for each in STOP_SIGNALS])
        return False

    train(CONFIG, token_data(), run_folder(tmp_path), should_stop=look)
    assert len(seen) > CONFIG.training.steps  # it is asked in evaluations too
    assert seen == [before] * len(seen)


def test_the_first_signal_is_answered_at_once_and_only_it():
    heard = []
    with StopRequest(one_of_several=True, on_signal=heard.append) as stop:
        for _ in range(2):
            signal.raise_signal(signal.SIGTERM)
    assert heard == [signal.SIGTERM]
    assert stop.signal is signal.SIGTERM
