import platform

import pytest

from cs336_basics.tokenization.bulk import freed_memory
from cs336_basics.tokenization.bulk.freed_memory import FreedMemory


def test_memory_is_given_back_once_for_every_so_many_bytes(monkeypatch):
    calls = []
    monkeypatch.setattr(freed_memory, "BYTES_BETWEEN", 10)
    monkeypatch.setattr(freed_memory, "_give_back", lambda: calls.append)
    memory = FreedMemory()
    given_back = []
    for num_bytes in (4, 5, 1, 9, 25, 0, 10):
        memory.text_passed(num_bytes)
        given_back.append(len(calls))
    assert given_back == [0, 0, 1, 1, 2, 2, 3]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what is freed")
def test_memory_is_given_back_by_glibc_itself():
    FreedMemory().text_passed(freed_memory.BYTES_BETWEEN)
    assert getattr(freed_memory._give_back(), "__name__", None) == "malloc_trim"


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_memory_is_left_alone_on_other_systems(monkeypatch, system):
    monkeypatch.setattr(freed_memory.sys, "platform", system)
    monkeypatch.setattr(freed_memory.ctypes, "CDLL", None)
    assert freed_memory._give_back.__wrapped__()(0) == 0
