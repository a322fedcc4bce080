"""Texts that have no place to be cut, a disk that fills, a worker that is killed: each in a fresh process."""

import json
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from cs336_basics.tokenization import Tokenizer, train_bpe
from tests.integration.command import files_below, start_cs336
from tests.unit.tokenization.references import real_text

END = "<|endoftext|>"
MEGABYTE = 1_000_000
PUNCTUATION = b"\0!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
LETTERS = b"etaoinshrdlucmfw"
SECONDS = 600  # for a subprocess that hangs

# A text without white space is one chunk and one pre-token, and training and encoding lay out all of it at
# once. The most that was measured for a byte of it: 79 bytes in training, 56 in encoding.
MEMORY_PER_BYTE = 120
MEMORY_OF_PYTHON = 200 * MEGABYTE

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the memory as on Linux")
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="needs limits and signals of POSIX")
with_room_for_100_megabytes = pytest.mark.skipif(
    psutil.virtual_memory().total < MEMORY_PER_BYTE * 100 * MEGABYTE, reason="takes 8 GB of memory"
)

PROGRAM = """
import hashlib, json, resource, sys, time
from pathlib import Path

import numpy as np

from cs336_basics.tokenization import Tokenizer, train_bpe
from cs336_basics.tokenization.bulk.boundaries import kind_of_code_point


def hash_of_decoded(tokenizer, ids):
    digest = hashlib.sha256()
    for start in range(0, len(ids), 1 << 20):
        digest.update(tokenizer.decode(ids[start : start + (1 << 20)].tolist()).encode())
    return digest.hexdigest()


def main():
    work, folder = sys.argv[1], Path(sys.argv[2])
    kind_of_code_point()  # a table that takes the same time for every text
    result = {}
    tokenizer = Tokenizer.from_folder(folder / "tokenizer")
    start = time.process_time()
    if work == "train":
        vocab, merges = train_bpe(folder / "text", 300, ["<|endoftext|>"])
        result["merges"] = len(merges)
    if work == "encode-file":
        tokenizer.encode_file(folder / "text", folder / "ids.npy")
        ids = np.load(folder / "ids.npy", mmap_mode="r")
        result["same text"] = (
            hash_of_decoded(tokenizer, ids) == hashlib.sha256((folder / "text").read_bytes()).hexdigest()
        )
    if work == "encode":
        ids = tokenizer.encode((folder / "text").read_bytes().decode())
        result["same ids"] = np.array_equal(np.load(folder / "ids.npy", mmap_mode="r"), ids)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    result["seconds"] = time.process_time() - start + children.ru_utime + children.ru_stime
    (peak,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM:")]
    result["peak"] = 1024 * max(int(peak.split()[1]), children.ru_maxrss)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with a tokenizer that was trained on English and on lines of dashes, and the program."""
    (tmp_path / "text").write_bytes((real_text()[:100_000] + f"{'-' * 64}\n" * 300).encode())
    Tokenizer(*train_bpe(tmp_path / "text", 300, [END], num_workers=1), [END]).save_to_folder(
        tmp_path / "tokenizer"
    )
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


def run(work, folder):
    """Do the work in a process of its own; tell its peak of memory and its time on the CPU."""
    command = [sys.executable, folder / "program.py", work, folder]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def text_of(kind, num_bytes):
    generator = np.random.default_rng(1729)
    if kind.startswith("random"):
        alphabet = LETTERS if kind == "random letters" else PUNCTUATION
        return generator.choice(np.frombuffer(alphabet, dtype=np.uint8), num_bytes).tobytes()
    unit = {"one character": b"-", "periodic letters": b"thequickbrownfoxjumped"}[kind]
    return (unit * (num_bytes // len(unit) + 1))[:num_bytes]


def assert_trained_and_encoded(folder, kind, num_bytes, works=("train", "encode-file", "encode")):
    (folder / "text").write_bytes(text_of(kind, num_bytes))
    reports = {work: run(work, folder) for work in works}
    assert reports["train"]["merges"] > 20
    assert reports["encode-file"]["same text"]
    if "encode" in works:
        assert reports["encode"]["same ids"]
    peaks = {work: report["peak"] for work, report in reports.items()}
    assert max(peaks.values()) < MEMORY_OF_PYTHON + MEMORY_PER_BYTE * num_bytes, peaks


@on_linux
def test_two_megabytes_without_white_space_are_trained_on_and_encoded(folder):
    assert_trained_and_encoded(folder, "random punctuation", 2 * MEGABYTE)


@on_linux
@with_room_for_100_megabytes
@pytest.mark.endurance
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("kind", "megabytes", "works"),
    [
        ("random punctuation", 100, ("train", "encode-file", "encode")),
        ("one character", 25, ("train", "encode-file")),  # the most work; `encode` would do the same again
    ],
)
def test_many_megabytes_without_white_space_are_trained_on_and_encoded(folder, kind, megabytes, works):
    assert_trained_and_encoded(folder, kind, megabytes * MEGABYTE, works)


@on_linux
@pytest.mark.endurance
@pytest.mark.parametrize("kind", ["random letters", "periodic letters", "one character"])
def test_time_for_one_huge_word_grows_little_faster_than_its_length(folder, kind):
    reports = []
    for num_bytes in (10 * MEGABYTE // 4, 10 * MEGABYTE):
        (folder / "text").write_bytes(text_of(kind, num_bytes))
        reports.append({work: run(work, folder) for work in ("train", "encode-file")})
    assert all(report["encode-file"]["same text"] for report in reports)
    for work in ("train", "encode-file"):
        quarter, whole = (report[work]["seconds"] for report in reports)
        assert whole < 8 * quarter + 2, (work, reports)  # four times is linear, sixteen times quadratic


@on_posix
@pytest.mark.endurance
@pytest.mark.parametrize("num_workers", [1, 2])
@pytest.mark.parametrize("has_older_file", [False, True])
def test_encode_onto_a_full_disk_says_so_and_leaves_what_was_there(folder, num_workers, has_older_file):
    (folder / "text").write_bytes((real_text() * 5).encode())
    if has_older_file:
        np.save(folder / "ids.npy", np.arange(3, dtype=np.uint16))
    before = {name: (folder / name).read_bytes() for name in files_below(folder) if (folder / name).is_file()}
    program = (
        "import resource, sys; from cs336_basics.cli.main import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"  # Python ignores the signal
        "main(sys.argv[1:])\n"
    )
    command = ["encode", "--tokenizer", "tokenizer", "--input", "text", "--output", "ids.npy"]
    finished = subprocess.run(
        [sys.executable, "-c", program, *command, "--num-workers", str(num_workers)],
        cwd=folder, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert finished.returncode == 1
    assert finished.stdout == ""
    last_line = finished.stderr.splitlines()[-1]
    assert last_line.startswith("error: ")
    assert "File too large" in last_line
    assert "ids.npy" in last_line
    assert "Traceback" not in finished.stderr
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert {name for name in files_below(folder) if (folder / name).is_file()} == set(before)


@on_posix
@pytest.mark.endurance
@pytest.mark.parametrize(
    "command",
    [
        ("encode", "--tokenizer", "tokenizer", "--output", "ids.npy"),
        ("train-tokenizer", "--vocab-size", "300", "--output", "trained"),
    ],
    ids=["encode", "train"],
)
def test_command_whose_worker_is_killed_ends_with_an_error_and_leaves_nothing(folder, command):
    with open(folder / "text", "wb") as file:
        for _ in range(150):
            file.write(real_text().encode())
    before = files_below(folder)
    with start_cs336(*command, "--input", "text", "--num-workers", "2", cwd=folder) as process:
        worker, others = worker_at_work(process)
        worker.kill()
        killed_at = time.monotonic()
        output, _ = process.communicate(timeout=60)
        seconds = time.monotonic() - killed_at
    assert process.returncode == 1
    last_line = output.splitlines()[-1]
    assert last_line.startswith("error: every worker process must live until its work is done but one died")
    assert "Traceback" not in output
    assert files_below(folder) == before
    assert not psutil.wait_procs(others, timeout=10)[1]
    assert seconds < 10


def worker_at_work(process):
    """Wait for a worker that has computed for a while; return it and the other processes of the command."""
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, "finished before a worker could be killed"
        assert time.monotonic() < deadline, "no worker began"
        processes = psutil.Process(process.pid).children(recursive=True)
        for candidate in processes:
            try:
                busy = candidate.cpu_times().user > 0.3 and not candidate.children()
            except psutil.NoSuchProcess:
                continue
            if busy:
                return candidate, [other for other in processes if other != candidate]
        time.sleep(0.01)
