"""`cs336 experiment` as a user sees it, with an experiment of their own."""

import json
import signal
import time
from pathlib import Path

import pytest

from tests.integration.command import files_below, start_cs336
from tests.unit.experiments.micro import MICRO, micro_text

RUN = ("experiment", "run", "mine.toml", "--data", "text.txt", "--output")


def results_of(folder: Path, output: str = "out") -> dict[str, float | None]:
    content = json.loads((folder / output / "mine/results.json").read_text(encoding="utf-8"))
    return {f"{run['variant']}-seed{run['seed']}": run["validation_loss"] for run in content["runs"]}


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "mine.toml").write_text(MICRO, encoding="utf-8")
    micro_text(tmp_path)
    return tmp_path


@pytest.mark.endurance
def test_own_experiment_runs_is_kept_and_reported(folder, quick_cs336):
    first = quick_cs336(*RUN, "out", "--jobs", "2", cwd=folder)
    assert first.returncode == 0, first.stderr
    assert "mine, scale tiny: 4 runs on text.txt" in first.stdout
    assert "learning_rate=10000-seed0: diverged (loss or gradient was not finite" in first.stdout
    before = (folder / "out/mine/results.json").read_bytes()
    again = quick_cs336(*RUN, "out", cwd=folder)
    assert again.stdout.count(": kept: ") == 4
    assert (folder / "out/mine/results.json").read_bytes() == before
    reported = quick_cs336("experiment", "report", "--output", "out", "--report", "REPORT.md", cwd=folder)
    assert reported.returncode == 0, reported.stderr
    assert {"REPORT.md", "REPORT.html", "REPORT-pictures/mine-curves.png"} <= files_below(folder)
    report = (folder / "REPORT.md").read_text(encoding="utf-8")
    assert f"{results_of(folder)['learning_rate=0.01-seed0']:.4f}" in report
    assert "The first diverging value above it is 10000" in report
    assert quick_cs336(*RUN, "one after another", cwd=folder).returncode == 0
    assert results_of(folder, "one after another") == results_of(folder)


@pytest.mark.endurance
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_interrupted_experiment_continues_to_the_same_results(folder, quick_cs336, jobs):
    text = MICRO.replace("steps = 12", "steps = 1000").replace(
        "evaluation_interval = 4", "evaluation_interval = 100"
    )
    text = text.replace("checkpoint_interval = 5", "checkpoint_interval = 100").replace(
        "[1e-2, 1e4]", "[1e-2]"
    )
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    arguments = (*RUN[:-1], "--jobs", jobs, "--output")
    interrupted = start_cs336(*arguments, "out", cwd=folder)
    metrics = folder / "out/mine/learning_rate=0.01-seed0/metrics.jsonl"
    while not (metrics.is_file() and metrics.read_bytes().count(b"\n") > 50):
        assert interrupted.poll() is None
        time.sleep(0.05)
    interrupted.send_signal(signal.SIGTERM)
    output = interrupted.communicate(timeout=120)[0]
    assert interrupted.returncode == 143, output
    assert "stopped and saved; the same command continues it" in output
    assert results_of(folder) == {}
    assert quick_cs336(*arguments, "out", cwd=folder).returncode == 0
    assert quick_cs336(*RUN, "whole", cwd=folder).returncode == 0
    assert results_of(folder, "whole") == results_of(folder)


def test_wrong_experiment_is_one_sentence_with_file_and_key(folder, quick_cs336):
    (folder / "mine.toml").write_text(f"lerning_rate = 3\n{MICRO}", encoding="utf-8")
    result = quick_cs336(*RUN, "out", cwd=folder)
    assert result.returncode == 1
    assert result.stderr.startswith("error: mine.toml: an experiment has no key 'lerning_rate'; remove it")
    assert not (folder / "out").exists()
