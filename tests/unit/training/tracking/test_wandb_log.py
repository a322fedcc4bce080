import importlib
import json
import os
import shutil
import socket
import tempfile

import pytest
import wandb

from cs336_basics.training.loop import train
from cs336_basics.training.metrics import read_metrics
from cs336_basics.training.tracking.tracker import numbers_to_log
from cs336_basics.training.tracking.wandb_log import wandb_log
from tests.unit.training.small_run import run_folder, token_data
from tests.unit.training.tracking.interrupted_run import (
    CONFIG,
    TORN_AFTER,
    checkpointed_content,
    interrupted_run,
)
from tests.unit.training.tracking.wandb_records import history, run_record

pytestmark = pytest.mark.without_type_checks


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """An empty home and an empty folder for temporary files, for this process and wandb's own."""
    for module in ("matplotlib.font_manager", "torch._dynamo"):
        importlib.import_module(module)  # makes folders of its own, where it was before
    for name in list(os.environ):
        if name.startswith("WANDB_"):
            monkeypatch.delenv(name)
    for name in ("home", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield tmp_path
    wandb.teardown()


@pytest.fixture
def listener(monkeypatch):
    """A server that would see any connection: it is wandb's, and every proxy besides."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        for name in ("WANDB_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, address)
        yield server


def offline_files(run):
    return sorted(run.wandb.glob("offline-run-*/run-*.wandb"), key=lambda path: history(path)[0]["step"])


def test_offline_wandb_gets_the_numbers_of_metrics_and_a_continued_run_keeps_its_id(
    outside, listener, monkeypatch
):
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = interrupted_run(outside / "run", [wandb_log])
    wandb.teardown()  # ends wandb's process

    expected = [{"step": line["step"], **numbers_to_log(line)} for line in read_metrics(run.metrics)]
    first, second = offline_files(run)
    repeated_from = history(second)[0]["step"]
    assert [line["step"] for line in history(first)] == list(range(1, TORN_AFTER + 1))
    assert history(first)[: repeated_from - 1] + history(second) == expected
    told = [run_record(path) for path in (first, second)]
    assert {record.run_id for record in told} == {(run.wandb / "id.txt").read_text()}
    assert {(record.project, record.display_name) for record in told} == {("cs336_basics", "run")}
    config = {item.key: json.loads(item.value_json) for item in told[0].config.update}
    assert config["training"]["steps"] == CONFIG.training.steps

    with pytest.raises(BlockingIOError):
        listener.accept()
    for name in ("home", "temporary"):
        assert list((outside / name).rglob("*")) == []

    untracked = run_folder(outside / "untracked")
    train(CONFIG, token_data(), untracked)
    assert checkpointed_content(run) == checkpointed_content(untracked)


def test_a_run_that_begins_anew_is_another_run_for_wandb(outside, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    run = run_folder(outside / "run")
    ids = []
    checkpoint = run.checkpoints / "step-00000001-unvalidated"  # with it the first line is still to come
    for has_checkpoint in (False, True, False):
        checkpoint.mkdir(parents=True) if has_checkpoint else shutil.rmtree(checkpoint, ignore_errors=True)
        with wandb_log(run, CONFIG, after_step=0) as log:
            log({"step": 1, "loss": 0.5})
        ids.append((run.wandb / "id.txt").read_text())
    assert ids[0] == ids[1] != ids[2]


def test_wandb_without_a_login_is_one_sentence(outside, listener):
    one_sentence = r"wandb must take the numbers .* does not \(No API key[^\n]*leave out --wandb$"
    refused = pytest.raises(RuntimeError, match=one_sentence)
    with refused, wandb_log(run_folder(outside / "run"), CONFIG, after_step=0):
        pass
    with pytest.raises(BlockingIOError):
        listener.accept()
