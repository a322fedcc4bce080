import os
import threading
import time

import pytest

from cs336_basics.files.failed_write import FailedWriteError
from cs336_basics.files.lock import locked


def test_a_lock_that_is_held_raises_what_it_is_told_to_and_is_free_afterwards(tmp_path):
    lock = tmp_path / "lock"
    refused = pytest.raises(ValueError, match="in use")
    with locked(lock, otherwise=ValueError()), refused, locked(lock, otherwise=ValueError("in use")):
        raise AssertionError("never here")
    with locked(lock, otherwise=ValueError("in use")):
        pass


def test_a_lock_is_waited_for_as_long_as_it_is_told_to(tmp_path):
    lock, released = tmp_path / "lock", threading.Event()

    def hold_for_a_moment():
        with locked(lock, otherwise=ValueError()):
            held.set()
            time.sleep(0.1)
            released.set()

    held, other = threading.Event(), threading.Thread(target=hold_for_a_moment)
    other.start()
    held.wait()
    with locked(lock, otherwise=ValueError("in use"), patience_s=30):
        assert released.is_set()
    other.join()


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_lock_that_cannot_be_made_is_one_sentence_also_by_a_relative_path(tmp_path, monkeypatch):
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "lock", (tmp_path / "lock").relative_to(tmp_path)):
        with (
            pytest.raises(FailedWriteError, match="lock must be written whole but cannot be"),
            locked(path, otherwise=ValueError("in use")),
        ):
            raise AssertionError("never here")
    assert not (tmp_path / "elsewhere").exists()
