"""A training run that is killed and started again, as whole processes."""

import json
import random
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from tests.integration.command import SMALL_MODEL, cs336, files_below, start_cs336

STEPS = 60


def train_arguments(prepared: Path, run: str) -> tuple[str | Path, ...]:
    return (
        "train", "--train-tokens", prepared / "tokens.npy", "--run", run, "--vocab-size", "300",
        "--steps", str(STEPS), "--checkpoint-interval", "4", "--evaluation-interval", "7",
        "--precision", "fp32", *SMALL_MODEL,
    )  # fmt: skip


@pytest.fixture(scope="module")
def uninterrupted(prepared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    result = cs336(*train_arguments(prepared, "run"), cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder / "run"


def kill_after(prepared: Path, folder: Path, *, steps: int, delay: float) -> None:
    """Start the run, wait until it has logged `steps` more lines and `delay` seconds more, and kill it."""
    metrics = folder / "run" / "metrics.jsonl"
    process = start_cs336(*train_arguments(prepared, "run"), cwd=folder)
    seen = None
    while process.poll() is None:
        lines = metrics.read_bytes().count(b"\n") if metrics.is_file() else 0
        # The first look after the start may still see lines of steps that will be taken again.
        seen = lines if seen is None or lines < seen else seen
        if lines >= min(seen + steps, STEPS):
            time.sleep(delay)
            break
        time.sleep(0.002)
    process.kill()
    process.communicate()


def assert_same_run(run: Path, expected: Path) -> None:
    logs = [
        [{**json.loads(line), "seconds": 0} for line in (folder / "metrics.jsonl").read_text().splitlines()]
        for folder in (run, expected)
    ]
    assert logs[0] == logs[1]
    assert files_below(run) == files_below(expected)
    last = f"checkpoints/step-{STEPS:08d}"
    for name in ("weights.safetensors", "optimizer.safetensors"):
        found, wanted = load_file(run / last / name), load_file(expected / last / name)
        assert found.keys() == wanted.keys()
        assert all((found[key] == wanted[key]).all() for key in wanted)


def finish(prepared: Path, folder: Path) -> None:
    result = cs336(*train_arguments(prepared, "run"), cwd=folder)
    assert result.returncode == 0, result.stderr


def test_a_killed_run_continues_to_the_same_end(prepared, uninterrupted, tmp_path):
    kill_after(prepared, tmp_path, steps=10, delay=0.0)
    assert not (tmp_path / "run" / "checkpoints" / f"step-{STEPS:08d}").exists()
    finish(prepared, tmp_path)
    assert_same_run(tmp_path / "run", uninterrupted)


@pytest.mark.endurance
@pytest.mark.timeout(900)
def test_a_run_killed_many_times_continues_to_the_same_end(prepared, uninterrupted, tmp_path):
    choose = random.Random(11)
    for _ in range(10):
        kill_after(prepared, tmp_path, steps=choose.randrange(1, 6), delay=choose.uniform(0.0, 0.05))
    finish(prepared, tmp_path)
    assert_same_run(tmp_path / "run", uninterrupted)
