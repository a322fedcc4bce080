"""`cs336 train --tensorboard --wandb` as processes: stopped by Ctrl-C and continued; without the packages."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from cs336_basics.training.metrics import read_metrics
from tests.integration.command import ONE_THREAD, SMALL_MODEL, files_below
from tests.unit.training.tracking.interrupted_run import series
from tests.unit.training.tracking.test_tensorboard_log import in_float32, read_events
from tests.unit.training.tracking.wandb_records import history

pytestmark = pytest.mark.endurance

COMMAND = (
    "train", "--run", "run", "--train-tokens", "tokens.npy", "--vocab-size", "31", "--steps", "400",
    "--checkpoint-interval", "1000", "--evaluation-interval", "100", *SMALL_MODEL, "--tensorboard", "--wandb",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "home").mkdir()
    np.save(tmp_path / "tokens.npy", np.random.default_rng(7).integers(0, 31, 5003).astype(np.uint16))
    return tmp_path


def start(folder, **variables):
    """Start the command as a terminal does: in a process group of its own, with a home of its own."""
    environment = {**ONE_THREAD, "HOME": str(folder / "home"), "MPLCONFIGDIR": str(folder / "matplotlib")}
    return subprocess.Popen(
        [sys.executable, "-m", "cs336_basics", *COMMAND],
        cwd=folder,
        env={**environment, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups")
def test_ctrl_c_in_a_terminal_stops_a_tracked_run_in_good_order_and_it_continues(folder):
    metrics, deadline = folder / "run" / "metrics.jsonl", time.monotonic() + 120
    with start(folder, WANDB_MODE="offline") as process:
        while not (metrics.is_file() and metrics.read_bytes().count(b"\n") > 30):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)  # wandb's own process gets it too
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    stopped_after = len(read_metrics(metrics))
    with start(folder, WANDB_MODE="offline") as process:
        output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output

    lines = read_metrics(metrics)
    assert 30 < stopped_after < len(lines) == 400
    assert read_events(folder / "run" / "tensorboard") == in_float32(series(lines))
    logged = [history(path) for path in sorted(folder.glob("run/wandb/offline-run-*/run-*.wandb"))]
    assert [len(part) for part in logged] == [stopped_after, 400 - stopped_after]
    expected = [{name: value for name, value in line.items() if value is not None} for line in lines]
    assert logged[0] + logged[1] == expected
    assert files_below(folder / "home") == set()


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_missing_package_is_one_sentence_before_the_run_begins(folder, name):
    program = (
        "import sys; from cs336_basics.cli.main import main\n"
        "sys.modules[sys.argv[1]] = None  # as if it were not installed\n"
        "main(sys.argv[2:])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, name, *COMMAND],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"error: --{name} needs the package {name}, which is not there; install it, for example with "
        f"uv sync --extra {name}\n"
    )
    assert files_below(folder) == {"home", "tokens.npy"}
