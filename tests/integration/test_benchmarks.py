"""The benchmarks run and print what they promise; the numbers themselves depend on the machine."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.benchmarks.comparison import Subject, Target, Task, rows
from tests.benchmarks.fresh_process import Measurement, measure_in_fresh_process, memory_can_be_sampled
from tests.benchmarks.tokenizer import main as benchmark_of_tokenizers
from tests.browser import MISSING, find_chromium
from tests.integration.command import ONE_THREAD
from tests.unit.tokenization.references import real_text

ROOT = Path(__file__).parents[2]
MEGABYTE = 1 << 20
OURS, HUGGING_FACE, RUSTBPE, TIKTOKEN = ("cs336_basics", "tokenizers", "rustbpe", "tiktoken")
TRAINERS = [OURS, HUGGING_FACE] + [RUSTBPE] * (find_spec("rustbpe") is not None)  # only in the group bench

needs_memory = pytest.mark.skipif(not memory_can_be_sampled(), reason="only Linux tells it for all processes")

TWO_PROCESSES_OF_A_HUNDRED_MEGABYTES = """
import subprocess, sys

def subject():
    child = subprocess.Popen([sys.executable, "-c", "x = b'x' * (100 << 20); import time; time.sleep(0.5)"])
    data = b"x" * (100 << 20)
    child.wait()
    yield
    yield
    yield {"bytes": len(data)}
"""


def tokenizer_benchmark(*arguments: str | int | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.tokenizer", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=120,
    )  # fmt: skip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("benchmarks") / "corpus.txt"
    path.write_bytes("<|endoftext|>".join(["", real_text()[:100_000], "naïve", ""] * 2).encode())
    return path


def tasks_and_libraries(output: str) -> list[tuple[str, str]]:
    """Return the first two columns of the table."""
    _, _, *rows = [line.split("|") for line in output.splitlines() if line.startswith("|")]
    return [(task.strip(), library.strip()) for _, task, library, *_ in rows]


def block(task: str, *libraries: str) -> list[tuple[str, str]]:
    first, *others = libraries
    return [(task, first), *(("", library) for library in others)]


def test_tokenizer_benchmark_compares_the_ids_of_what_it_measures(corpus):
    arguments = ("--repetitions", 1, "--vocab-sizes", 300, "--only", "encode", "--without", HUGGING_FACE)
    result = tokenizer_benchmark("--corpus", corpus, *arguments)
    assert result.returncode == 0, result.stderr
    assert tasks_and_libraries(result.stdout) == [
        *block("encode_file", OURS, TIKTOKEN),
        *block("encode, one thread, new text", OURS, TIKTOKEN),
    ]
    assert result.stdout.count("writes the same") == 2


@pytest.mark.endurance
def test_tokenizer_benchmark_prints_a_row_for_each_task_and_library(corpus):
    result = tokenizer_benchmark("--corpus", corpus, "--repetitions", 1, "--vocab-sizes", 300, 400)
    assert result.returncode == 0, result.stderr
    expected = [
        *block("train 300 entries", *TRAINERS),
        *block("train 400 entries", *TRAINERS),
        *block("encode_file", OURS, HUGGING_FACE, TIKTOKEN),
        *block("encode, one thread, new text", OURS, TIKTOKEN),
    ]
    if memory_can_be_sampled():
        expected += block("train 300 entries: peak memory", *TRAINERS)
        expected += block("encode_file: peak memory", OURS, HUGGING_FACE, TIKTOKEN)
    assert tasks_and_libraries(result.stdout) == expected
    assert result.stdout.count("writes the same") == 3
    assert "## corpus.txt (0.2 MB)" in result.stdout
    assert ("without rustbpe, which is not installed" in result.stdout) == (RUSTBPE not in TRAINERS)
    assert ("without peak memory" in result.stdout) == (not memory_can_be_sampled())


@needs_memory
@pytest.mark.endurance
def test_tokenizer_benchmark_measures_the_memory_for_a_longer_text(corpus):
    arguments = ("--repetitions", 1, "--vocab-sizes", 300, "--only", "memory", "--scaling")
    result = tokenizer_benchmark("--corpus", corpus, *arguments, "--without", RUSTBPE, HUGGING_FACE, TIKTOKEN)
    assert result.returncode == 0, result.stderr
    assert tasks_and_libraries(result.stdout) == [
        *block("train 300 entries: peak memory", OURS),
        *block("encode_file: peak memory", OURS),
        *block("train 300 entries: peak memory, long text", f"{OURS}, 10 times the text", OURS),
        *block("encode_file: peak memory, long text", f"{OURS}, 10 times the text", OURS),
    ]


def test_tokenizer_benchmark_refuses_a_corpus_that_is_not_there(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tokenizer", "--corpus", str(tmp_path / "missing.txt")])
    with pytest.raises(SystemExit) as ended:
        benchmark_of_tokenizers()
    assert ended.value.code == 2
    assert "no file at" in capsys.readouterr().err


def test_rows_compare_medians_with_the_targets():
    subjects = dict.fromkeys(["ours", "theirs"], Subject("module:function", {}))
    targets = {"ours": Target(aim=3.5), "theirs": Target(asked=0.7, aim=0.8)}
    task = Task("work", "s", subjects, targets, megabytes=6)
    results = {
        "ours": [Measurement(seconds, None, {}) for seconds in (3.0, 9.0, 2.0)],
        "theirs": [Measurement(seconds, None, {}) for seconds in (4.0, 5.0, 1.0)],
    }
    assert rows(task, results) == [
        ("work", "ours", "3.00 s", "2.00 to 9.00 s", "2.00", "", "", "3.5 s: met"),
        ("", "theirs", "4.00 s", "1.00 to 5.00 s", "1.50", "0.750", "0.7: missed", "0.8: met"),
    ]


@needs_memory
def test_peak_memory_is_that_of_all_processes_and_seconds_leave_out_the_preparation(tmp_path, monkeypatch):
    (tmp_path / "heavy.py").write_text(TWO_PROCESSES_OF_A_HUNDRED_MEGABYTES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    measured = measure_in_fresh_process("heavy:subject", {}, sample_memory=True)
    assert measured.facts == {"bytes": 100 * MEGABYTE}
    assert measured.seconds < 0.1
    assert measured.peak_bytes is not None
    assert 200 * MEGABYTE < measured.peak_bytes < 300 * MEGABYTE


def test_a_subject_that_fails_is_an_error(capfd):
    with pytest.raises(RuntimeError, match="ended with status 1"):
        measure_in_fresh_process("tests.benchmarks.tokenizer_subjects:missing", {})
    assert "AttributeError" in capfd.readouterr().err


def model_benchmark(*arguments: str | int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.model", "--tiny", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=300, env=ONE_THREAD,
    )  # fmt: skip


@needs_memory
@pytest.mark.endurance
def test_model_benchmark_prints_a_row_for_each_task_and_library_and_memory_against_length():
    parts = ("training", "memory", "optimizer", "generation", "import", "length")
    result = model_benchmark("--repetitions", 1, "--only", *parts)
    assert result.returncode == 0, result.stderr
    everyone = (OURS, "plain forms", "with sdpa", "transformers")
    by_task, of_length = result.stdout.split("\n| tokens of one sequence")
    assert tasks_and_libraries(by_task) == [
        *block("training step, fp32", *everyone),
        *block("training step, bf16 autocast", *everyone),
        *block("training step, fp32: peak memory", *everyone),
        *block("AdamW.step", OURS, "transformers"),
        *block("generation, batch 1, 30 tokens, greedy", OURS, "plain forms", "transformers"),
        *block("generation, batch 1, 30 tokens, top-p 0.9", OURS, "transformers"),
        *block("generation, batch 16, 15 tokens, greedy", OURS, "transformers"),
        *block("generation, batch 16, 15 tokens, top-p 0.9", OURS, "transformers"),
        *block("import of every name, above torch", OURS),
    ]
    assert "large products reach" in by_task
    (row,) = [line for line in of_length.splitlines() if line.startswith("| ") and "256" in line]
    assert row.count("MB") == 3


@pytest.mark.endurance
@pytest.mark.skipif(find_chromium() is None, reason=MISSING)
def test_page_benchmark_opens_a_page_and_draws_its_maps():
    result = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.inspect_page", "--repetitions", "1"],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=120, env=ONE_THREAD,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    expected = block("open", OURS) + block("open, then draw all maps", OURS)
    assert tasks_and_libraries(result.stdout) == expected
