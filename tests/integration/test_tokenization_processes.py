"""Worker processes: the same result under every start method, errors instead of hangs, no remains."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import psutil
import pytest

from cs336_basics.tokenization import Tokenizer, train_bpe
from tests.unit.tokenization.references import real_text

END = "<|endoftext|>"
SECONDS = 120  # for a subprocess that hangs

PROGRAM = """
import json, multiprocessing, os, sys, threading
from pathlib import Path

from cs336_basics.tokenization import Tokenizer, chunking, train_bpe
from cs336_basics.tokenization.file_encoding import encode_text_file
from cs336_basics.tokenization.pretoken_counts import count_pretokens
from cs336_basics.tokenization.worker_pool import map_in_order

END = "<|endoftext|>"


def look_around(shared, task):
    return os.getpid(), "torch" in sys.modules, shared, task


def die(shared, task):
    os._exit(1)


def die_while_sending(shared, task):
    if os.name == "nt":
        os._exit(1)  # its connections send otherwise

    def send_half(connection, message, write=None):
        os.write(connection.fileno(), bytes(message[: len(message) // 2]))
        os._exit(1)

    multiprocessing.connection.Connection._send = send_half
    return task


class TwoPartsError(Exception):
    def __init__(self, first, second):
        super().__init__(f"{first} {second}")  # so that it can be sent but not received


def fail(shared, task):
    raise [TwoPartsError("two", "parts"), ValueError("locked", threading.Lock())][task]


def return_a_lock(shared, task):
    return threading.Lock()


def message_of(error_type, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except error_type as error:
        return str(error)


def main():
    folder = Path(sys.argv[2])
    counts = [count_pretokens(folder / "text", [END], num_workers=n, chunk_bytes=5000) for n in (1, 3)]
    tokenizer = Tokenizer.from_files(folder / "vocab.json", folder / "merges.txt")
    encode_text_file(
        tokenizer._chunk_encoder, folder / "text", folder / "ids.npy", num_workers=2, chunk_bytes=5000,
        vocab_size=tokenizer.vocab_size,
    )
    seen = list(map_in_order(look_around, "shared", range(20), num_workers=2))
    taken = []
    results = map_in_order(look_around, None, (taken.append(task) for task in range(100)), num_workers=2)
    next(results)
    results.close()
    bad = message_of(ValueError, count_pretokens, folder / "bad", [], num_workers=2, chunk_bytes=100)
    dead = message_of(RuntimeError, list, map_in_order(die, None, range(20), num_workers=2))
    dead_while_sending = message_of(
        RuntimeError, list, map_in_order(die_while_sending, None, range(20), num_workers=2)
    )
    failures = [
        message_of(RuntimeError, list, map_in_order(fail, None, [task] * 2, num_workers=2)) for task in (0, 1)
    ]
    no_result = message_of(TypeError, list, map_in_order(return_a_lock, None, range(2), num_workers=2))
    print(json.dumps({
        "counts agree": counts[0] == counts[1],
        "parent": os.getpid(),
        "processes": [pid for pid, *_ in seen],
        "torch": any(torch for _, torch, *_ in seen) or "torch" in sys.modules,
        "order": [rest for _, _, *rest in seen] == [["shared", task] for task in range(20)],
        "taken": len(taken),
        "bad": bad,
        "dead": dead,
        "dead while sending": dead_while_sending,
        "failures": failures,
        "no result": no_result,
        "left": len(multiprocessing.active_children()),
    }))


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    main()
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("processes")
    (folder / "text").write_bytes(real_text()[:150_000].encode())
    (folder / "bad").write_bytes(b"good text " * 100 + b"\xff" + b" good text" * 100)
    tokenizer = Tokenizer(*train_bpe(folder / "text", 400, [END], num_workers=1), [END])
    tokenizer.save(folder / "vocab.json", folder / "merges.txt")
    (folder / "program.py").write_text(PROGRAM)
    return folder, tokenizer


@pytest.mark.parametrize("start_method", multiprocessing.get_all_start_methods())
def test_workers_give_the_same_result_under_every_start_method(trained, start_method):
    folder, tokenizer = trained
    command = [sys.executable, folder / "program.py", start_method, folder]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert finished.returncode == 0, finished.stderr
    report = json.loads(finished.stdout)
    assert report["counts agree"]
    assert np.load(folder / "ids.npy").tolist() == tokenizer.encode((folder / "text").read_text())
    assert report["order"]
    assert report["taken"] == 4  # two for each worker, however many there are
    assert report["parent"] not in report["processes"]
    assert not report["torch"]
    assert "bad has byte 0xff at position 1000" in report["bad"]
    assert "one died" in report["dead"]
    assert report["dead while sending"] == report["dead"]
    assert report["failures"][0] == "TwoPartsError: two parts"
    assert report["failures"][1].startswith("ValueError: ('locked', <unlocked _thread.lock object")
    assert "cannot pickle '_thread.lock' object" in report["no result"]
    assert report["left"] == 0


WITHOUT_GUARD = """
import multiprocessing, sys
from cs336_basics.tokenization.worker_pool import map_in_order

multiprocessing.set_start_method(sys.argv[1])
list(map_in_order(max, b"much" * 1_000_000, range(20), num_workers=2))
"""


@pytest.mark.parametrize("start_method", ["spawn", pytest.param("forkserver", marks=pytest.mark.endurance)])
def test_a_main_script_without_its_guard_is_an_error_that_says_so(tmp_path, start_method):
    if start_method not in multiprocessing.get_all_start_methods():
        pytest.skip("not on this system")
    (tmp_path / "program.py").write_text(WITHOUT_GUARD)
    command = [sys.executable, tmp_path / "program.py", start_method]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert finished.returncode == 1
    assert "RuntimeError: every worker process must live until" in finished.stderr
    assert 'works outside `if __name__ == "__main__":`' in finished.stderr


def test_train_bpe_result_does_not_depend_on_the_number_of_workers(tmp_path):
    (tmp_path / "text").write_bytes((real_text() * 8)[:5_000_000].encode())  # three chunks
    one = train_bpe(tmp_path / "text", 300, [END], num_workers=1)
    assert train_bpe(tmp_path / "text", 300, [END], num_workers=3) == one
    assert train_bpe(tmp_path / "text", 300, [END]) == one


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT as the keyboard does on POSIX")
def test_encode_file_interrupted_leaves_no_file_and_no_process(trained, tmp_path):
    with encode_file_at_work(trained[0], tmp_path) as (process, workers):
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode != 0
    assert errors.count(b"Traceback") == 1, errors  # the parent's only
    assert [path.name for path in tmp_path.iterdir()] == ["text"]
    assert not psutil.wait_procs(workers, timeout=10)[1]


def test_workers_end_when_their_parent_is_killed(trained, tmp_path):
    with encode_file_at_work(trained[0], tmp_path) as (process, workers):
        process.kill()
        assert not psutil.wait_procs(workers, timeout=10)[1]
        _, errors = process.communicate(timeout=SECONDS)
    assert not errors


@contextmanager
def encode_file_at_work(folder, work):
    """Start `encode_file` in a process group of its own; yield it and its workers when they have begun."""
    (work / "text").write_bytes((real_text() * 300).encode())
    program = (
        "import sys; from cs336_basics.tokenization import Tokenizer\n"
        "tokenizer = Tokenizer.from_files(sys.argv[1] + '/vocab.json', sys.argv[1] + '/merges.txt')\n"
        "tokenizer.encode_file(sys.argv[2] + '/text', sys.argv[2] + '/ids.npy', num_workers=2)\n"
    )
    command = [sys.executable, "-c", program, folder, work]
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as process:
        deadline = time.monotonic() + SECONDS
        while not any(path.suffix == ".unfinished" and path.stat().st_size > 1000 for path in work.iterdir()):
            assert process.poll() is None, "finished before it could be interrupted"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        workers = psutil.Process(process.pid).children(recursive=True)
        assert workers
        yield process, workers


def test_importing_the_tokenizer_does_not_import_torch():
    program = (
        "import sys, cs336_basics.tokenization as t; t.Tokenizer; t.train_bpe; print('torch' in sys.modules)"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=SECONDS)
    assert output.stdout.strip() == b"False"
