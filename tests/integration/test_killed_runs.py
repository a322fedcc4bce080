"""A training run that is killed, stopped or refused by the disk, and started again, as whole processes."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.integration.command import ONE_THREAD, files_below, start_cs336
from tests.integration.forked import ForkedCommands

if os.name == "nt":
    pytest.skip("needs fork and signals", allow_module_level=True)

from cs336_basics.checkpoint.pointers import checkpoint_folders
from cs336_basics.checkpoint.run_checkpoint import FILES, check_run_checkpoint

STEPS = 48
MODEL = ("--d-model", "8", "--num-heads", "2", "--num-layers", "1", "--context-length", "8")
KILLED = -signal.SIGKILL
# Folders of checkpoints hold times in state.json only; other files with times or paths are compared apart.
EXACT = tuple(name for name in FILES if name != "state.json")


def train_arguments(prepared: Path, run: Path | str) -> list[str]:
    arguments = (
        "train", "--train-tokens", prepared / "tokens.npy", "--run", run, "--vocab-size", "300",
        "--steps", STEPS, "--checkpoint-interval", "2", "--evaluation-interval", "5",
        "--evaluation-tokens", "200", "--batch-size", "2", "--precision", "fp32", "--learning-rate", "0.1",
        *MODEL,
    )  # fmt: skip
    return [str(argument) for argument in arguments]


@pytest.fixture(scope="module")
def uninterrupted(prepared, command, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("uninterrupted") / "run"
    command.succeed(train_arguments(prepared, run))
    assert len(metrics_without_times(run)) == STEPS
    return run


def metrics_without_times(run: Path) -> list[dict]:
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [{**json.loads(line), "seconds": 0} for line in lines]


def state_without_times(folder: Path) -> dict:
    return {**json.loads((folder / "state.json").read_text()), "seconds": 0}


def assert_same_run(run: Path, expected: Path) -> None:
    assert files_below(run) == files_below(expected)
    assert_same_run_but_for_kept_folders(run, expected)


def assert_same_run_but_for_kept_folders(run: Path, expected: Path) -> None:
    """A checkpoint that was written on a signal can be among the last that are kept."""
    lines = metrics_without_times(run)
    assert lines == metrics_without_times(expected)
    assert [line["step"] for line in lines] == list(range(1, len(lines) + 1))
    for pointer in ("latest", "best"):
        name = (expected / "checkpoints" / pointer).read_text()
        assert (run / "checkpoints" / pointer).read_text() == name
        found, wanted = (path / "checkpoints" / name.strip() for path in (run, expected))
        for file in EXACT:
            assert (found / file).read_bytes() == (wanted / file).read_bytes(), (name, file)
        assert state_without_times(found) == state_without_times(wanted)


def assert_every_checkpoint_is_whole(run: Path) -> None:
    """Every folder with the name of a checkpoint is complete, and so is what the pointers name."""
    checkpoints = run / "checkpoints"
    folders = checkpoint_folders(checkpoints)
    for folder in folders:
        check_run_checkpoint(folder)
    for pointer in ("latest", "best"):
        if (checkpoints / pointer).exists():
            assert checkpoints / (checkpoints / pointer).read_text().strip() in folders


def kill_at_each(operations: list[int], command: ForkedCommands, prepared: Path, run: Path) -> int:
    """Start the run again and again, each time killed at the next of `operations`; return the kills."""
    kills = 0
    for operation in operations:
        status = command(train_arguments(prepared, run), die_at=operation)
        assert status in (KILLED, 0), command.output.read_text()
        assert_every_checkpoint_is_whole(run)
        kills += status == KILLED
    return kills


def operations_of_a_checkpoint(command: ForkedCommands, prepared: Path, run: Path) -> int:
    """Return at which operation `latest` is renamed: a run that is killed later has got one checkpoint on."""
    operation = 10
    while not (run / "checkpoints" / "latest").exists():
        operation += 1
        command(train_arguments(prepared, run), die_at=operation)
    return operation


def test_a_run_killed_within_the_writing_of_checkpoints_ends_as_if_it_had_not_been(
    prepared, command, uninterrupted, tmp_path
):
    run = tmp_path / "run"
    # The folder is begun and filled, gets its name at 28, `latest` and perhaps `best` follow, old ones go.
    operations = [1, 3, 8, 19, 27, 29, 31, 34, 36, 38, 40, 43]
    assert kill_at_each(operations, command, prepared, run) == len(operations)
    command.succeed(train_arguments(prepared, run))
    assert_same_run(run, uninterrupted)


@pytest.mark.endurance
def test_a_run_killed_at_every_operation_of_a_checkpoint_ends_as_if_it_had_not_been(
    prepared, command, uninterrupted, tmp_path
):
    run = tmp_path / "run"
    one_checkpoint = operations_of_a_checkpoint(command, prepared, tmp_path / "counted")
    operations = list(range(1, one_checkpoint + 25))  # and what follows: `best`, and old ones removed
    kills = kill_at_each(operations, command, prepared, run)
    assert kills == len(operations)
    print(f"killed at each operation of a checkpoint: {kills}")
    command.succeed(train_arguments(prepared, run))
    assert_same_run(run, uninterrupted)


@pytest.mark.endurance
def test_runs_killed_at_random_moments_end_as_if_they_had_not_been(
    prepared, command, uninterrupted, tmp_path
):
    choose = random.Random(11)
    kills, run = 0, tmp_path / "run-0"
    while kills < 40:
        # A process begins in some tenths of a second, and takes all steps in another second or two.
        if command(train_arguments(prepared, run), signal=signal.SIGKILL, after=choose.uniform(0.1, 1.0)):
            kills += 1
            if (run / "checkpoints").exists():
                assert_every_checkpoint_is_whole(run)
        else:
            assert_same_run(run, uninterrupted)
            run = tmp_path / f"run-{kills}"
    command.succeed(train_arguments(prepared, run))
    assert_same_run(run, uninterrupted)


@pytest.mark.endurance
def test_the_command_in_a_process_of_its_own_is_killed_and_stopped_and_ends_as_if_it_had_not_been(
    prepared, uninterrupted, tmp_path
):
    metrics = tmp_path / "run" / "metrics.jsonl"
    for lines, number in (
        (5, signal.SIGKILL),
        (14, signal.SIGTERM),
        (23, signal.SIGKILL),
        (30, signal.SIGINT),
    ):
        process = start_cs336(*train_arguments(prepared, "run"), cwd=tmp_path)
        while not metrics.exists() or metrics.read_bytes().count(b"\n") < lines:
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(number)
        process.communicate()
        assert process.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130}.get(number, -number)
        assert_every_checkpoint_is_whole(tmp_path / "run")
    process = start_cs336(*train_arguments(prepared, "run"), cwd=tmp_path)
    output = process.communicate()[0]
    assert process.returncode == 0, output
    assert_same_run(tmp_path / "run", uninterrupted)


def last_line(command: ForkedCommands) -> str:
    """What the command said last, its progress bar apart."""
    output = command.output.read_text()
    assert "Traceback" not in output
    return output.splitlines()[-1]


def at_line(run: Path, lines: int, number: signal.Signals) -> dict[str, Any]:
    """How a signal arrives as soon as there are so many lines of metrics."""
    return {"signal": number, "after": 0.0, "waiting_for": str(run / "metrics.jsonl"), "lines": lines}


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.endurance)],
)
def test_a_run_stopped_by_a_signal_saves_the_step_says_how_to_continue_and_ends_as_if_it_had_not_been(
    prepared, command, uninterrupted, tmp_path, number, status
):
    run = tmp_path / "run"
    stops = [0]
    for _ in range(3):
        assert command(train_arguments(prepared, run), **at_line(run, stops[-1] + 4, number)) == status
        expected = f"stopped by {number.name}; give the same command again to continue"
        assert last_line(command) == expected
        stops.append(len(metrics_without_times(run)))
        saved = {f"step-{stops[-1]:08d}\n", f"step-{stops[-1] + 1:08d}-unvalidated\n"}  # in an evaluation
        assert (run / "checkpoints/latest").read_text() in saved
        assert_every_checkpoint_is_whole(run)
    assert stops == sorted(set(stops))
    assert stops[-1] < STEPS
    command.succeed(train_arguments(prepared, run))
    assert_same_run_but_for_kept_folders(run, uninterrupted)


def test_a_signal_in_a_long_evaluation_saves_the_step_at_once(prepared, command, tmp_path):
    run = tmp_path / "run"
    np.save(tmp_path / "long.npy", np.zeros(100_000_000, np.uint16))  # would take hours
    arguments = [*train_arguments(prepared, run), "--validation-tokens", str(tmp_path / "long.npy")]
    every_token = ("--evaluation-interval", "5", "--evaluation-tokens", "None")
    assert command([*arguments, *every_token], **{**at_line(run, 4, signal.SIGTERM), "after": 0.5}) == 143
    assert last_line(command) == "stopped by SIGTERM; give the same command again to continue"
    assert len(metrics_without_times(run)) == 4
    assert (run / "checkpoints/latest").read_text() == "step-00000005-unvalidated\n"
    assert_every_checkpoint_is_whole(run)


@pytest.mark.endurance
def test_a_run_killed_while_it_saves_in_an_evaluation_ends_as_if_it_had_not_been(prepared, command, tmp_path):
    def arguments(run: Path) -> list[str]:
        long = ("--validation-tokens", str(tmp_path / "long.npy"), "--evaluation-tokens", "None")
        return [*train_arguments(prepared, run), *long, "--steps", "6", "--checkpoint-interval", "6"]

    np.save(tmp_path / "long.npy", np.arange(8_000, dtype=np.uint16) % 300)  # takes half a second
    command.succeed(arguments(tmp_path / "uninterrupted"))
    status, kills = KILLED, 0
    while status == KILLED:
        run = tmp_path / f"run-{kills}"
        in_evaluation = {**at_line(run, 4, signal.SIGTERM), "after": 0.05}
        status = command(arguments(run), **in_evaluation, die_at=kills + 1)
        assert status in (KILLED, 143), command.output.read_text()
        assert len(metrics_without_times(run)) == 4, "the signal came after the evaluation"
        assert_every_checkpoint_is_whole(run)
        kills += status == KILLED
        command.succeed(arguments(run))
        assert_same_run(run, tmp_path / "uninterrupted")
    print(f"killed at each operation of a checkpoint in an evaluation: {kills}")
    assert kills > 20


@pytest.mark.endurance
def test_ctrl_c_while_torch_loads_is_not_lost_but_stops_the_run_behind_its_first_step(prepared, tmp_path):
    arguments = (sys.executable, "-X", "importtime", "-m", "cs336_basics", *train_arguments(prepared, "run"))
    with subprocess.Popen(
        arguments, cwd=tmp_path, env=ONE_THREAD, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert any(line.split("|")[-1].strip().startswith("torch.") for line in process.stderr)
        process.send_signal(signal.SIGINT)
        said = process.communicate()[1]
    assert process.returncode == 130
    assert "stopped by SIGINT; give the same command again to continue" in said
    assert (tmp_path / "run/checkpoints/latest").read_text() == "step-00000001\n"


def test_without_save_on_signal_a_signal_ends_the_run_at_once(prepared, command, tmp_path):
    for number, status in ((signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 130)):
        run = tmp_path / number.name
        arguments = [*train_arguments(prepared, run), "--no-save-on-signal"]
        assert command(arguments, **at_line(run, 4, number)) == status
    assert last_line(command) == "interrupted; give the same command again to continue"


def started(command: ForkedCommands, prepared: Path, run: Path) -> None:
    """Let a run come as far as two checkpoints and be killed in writing the third."""
    while not (run / "checkpoints/step-00000004").exists():
        command(train_arguments(prepared, run), die_at=60)
    shutil.rmtree(run / "checkpoints/.unfinished-step-00000006", ignore_errors=True)


@pytest.mark.parametrize(
    "limit", [30_000, *(pytest.param(limit, marks=pytest.mark.endurance) for limit in (600, 20_000))]
)
def test_a_full_disk_ends_the_run_in_one_sentence_and_leaves_the_checkpoints(
    prepared, command, uninterrupted, tmp_path, limit
):
    run = tmp_path / "run"
    started(command, prepared, run)
    before = {path: path.read_bytes() for path in run.rglob("checkpoints/step-*/*")}
    assert len(before) >= 2 * len(FILES)
    assert command(train_arguments(prepared, run), file_limit=limit) == 1
    sentence = last_line(command)
    assert sentence.startswith(f"error: {run}/")
    assert "must be written whole but cannot be (File too large); make room there and try again" in sentence
    assert {path: path.read_bytes() for path in before if path.exists()}.items() <= before.items()
    assert_every_checkpoint_is_whole(run)
    command.succeed(train_arguments(prepared, run))
    assert_same_run(run, uninterrupted)


def test_a_disk_that_has_no_room_for_a_line_of_metrics_is_named(prepared, command, tmp_path):
    rarely = ("--checkpoint-interval", "100", "--evaluation-interval", "100")
    arguments = [*train_arguments(prepared, tmp_path / "run"), *rarely]
    assert command(arguments, file_limit=5_000) == 1
    assert last_line(command).startswith(f"error: {tmp_path / 'run' / 'metrics.jsonl'} must be written whole")


def test_a_damaged_checkpoint_is_a_warning_of_one_line_and_the_run_goes_on_from_the_one_before(
    prepared, command, uninterrupted, tmp_path
):
    run = tmp_path / "run"
    shutil.copytree(uninterrupted, run)
    last = run / "checkpoints" / f"step-{STEPS:08d}"
    with open(last / "optimizer.safetensors", "r+b") as file:
        file.seek(1000)
        file.write(b"\x80")
    command.succeed(train_arguments(prepared, run))
    output = command.output.read_text()
    warning = f"warning: a checkpoint must be whole but {last}/optimizer.safetensors is missing or damaged"
    assert [line.startswith(warning) for line in output.splitlines()].count(True) == 1
    assert_same_run_but_for_kept_folders(run, uninterrupted)
