"""A run folder, a token file or a tokenizer from elsewhere can hold anything: none of it may run code."""

import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from cs336_basics import load_checkpoint
from cs336_basics.checkpoint.checksums import CHECKSUMS, write_checksums
from cs336_basics.checkpoint.newest_whole import DamagedCheckpointWarning
from cs336_basics.checkpoint.run_checkpoint import FILES
from cs336_basics.files.token_file import open_token_file
from cs336_basics.tokenization import Tokenizer, train_bpe
from cs336_basics.training.loop import train
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.state import new_state
from cs336_basics.training.trained_run import open_run_tokenizer, open_trained_run
from tests.unit.hostile import Touch, hostile_pickle
from tests.unit.training.small_run import CONFIG, run_folder, token_data


@pytest.fixture(scope="module")
def trained_run(tmp_path_factory):
    """A run with a tokenizer."""
    run = run_folder(tmp_path_factory.mktemp("trained") / "run")
    run.claim(CONFIG.to_dict(), compared=())
    train(CONFIG, token_data(), run)
    (run.path / "text").write_text("some text to learn from, and some more text to learn from")
    vocab, merges = train_bpe(run.path / "text", 260, [], num_workers=1)
    Tokenizer(vocab, merges).save_to_folder(run.tokenizer)
    return run


@pytest.fixture
def run(trained_run, tmp_path):
    shutil.copytree(trained_run.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


@pytest.fixture
def marker(tmp_path) -> Path:
    return tmp_path / "code was run"


def forms(marker: Path) -> list[bytes]:
    """The same pickle on its own, in torch's archive, as a NumPy array, and in NumPy's archive."""
    pickled, archive, array, arrays = hostile_pickle(marker), io.BytesIO(), io.BytesIO(), io.BytesIO()
    content = np.array([Touch(marker)], dtype=object)
    torch.save({"model": Touch(marker), "optimizer": {}, "iteration": 0}, archive)
    np.save(array, content, allow_pickle=True)
    np.savez(arrays, content)
    return [pickled, archive.getvalue(), array.getvalue(), arrays.getvalue()]


LAST = f"checkpoints/step-{CONFIG.training.steps:08d}"
PLACES = {
    "config.json": lambda run: open_trained_run(run, device="cpu"),
    "metrics.jsonl": lambda run: train(CONFIG, token_data(), run),
    "tokenizer/vocab.json": open_run_tokenizer,
    "tokenizer/merges.txt": open_run_tokenizer,
    "tokenizer/tokenizer.json": open_run_tokenizer,
}


@pytest.mark.parametrize("form", range(4))
@pytest.mark.parametrize("name", PLACES)
def test_a_pickle_in_place_of_a_file_of_a_run_is_refused_by_name_and_never_runs(run, marker, name, form):
    (run.path / name).write_bytes(forms(marker)[form] + b"\n")
    with pytest.raises(ValueError, match=name):
        PLACES[name](run)
    assert not marker.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
@pytest.mark.parametrize("put", [os.mkdir, getattr(os, "mkfifo", None)], ids=["folder", "pipe"])
@pytest.mark.parametrize("name", ["tokenizer/vocab.json", "tokenizer/merges.txt"])
def test_a_folder_or_a_pipe_in_place_of_a_file_of_a_tokenizer_is_refused_by_name(run, name, put):
    (run.path / name).unlink()
    put(run.path / name)
    with pytest.raises(FileNotFoundError, match=f"none at .*{name}; check the path"):
        open_run_tokenizer(run)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
@pytest.mark.parametrize("put", [os.mkdir, getattr(os, "mkfifo", None)], ids=["folder", "pipe"])
def test_a_folder_or_a_pipe_in_place_of_tokenizer_json_is_refused_by_name(tmp_path, put):
    put(tmp_path / "tokenizer.json")
    with pytest.raises(FileNotFoundError, match=r"none at .*tokenizer\.json; check the path"):
        Tokenizer.from_huggingface(tmp_path)


@pytest.mark.parametrize("form", range(4))
@pytest.mark.parametrize("name", FILES)
def test_a_pickle_in_a_checkpoint_whose_checksums_fit_is_refused_by_name_and_never_runs(
    run, marker, name, form
):
    folder = run.path / LAST
    (folder / name).write_bytes(forms(marker)[form])
    write_checksums(folder, FILES)
    with pytest.raises(ValueError, match=f"{LAST}/{name}"):
        train(CONFIG, token_data(), run)
    assert not marker.exists()


@pytest.mark.parametrize("best", [7, [], {"step": 2}, {"step": "2", "loss": 1.0}, {"step": 2, "loss": None}])
def test_a_lowest_loss_of_another_kind_is_refused(run, best):
    folder = run.path / LAST
    content = {**json.loads((folder / "state.json").read_text()), "best_validation": best}
    (folder / "state.json").write_text(json.dumps(content))
    write_checksums(folder, FILES)
    with pytest.raises(ValueError, match="a checkpoint must hold all that a run needs"):
        train(CONFIG, token_data(), run)


@pytest.mark.parametrize("form", range(4))
@pytest.mark.parametrize("name", [f"{LAST}/{CHECKSUMS}", "checkpoints/latest"])
def test_a_pickle_in_place_of_checksums_or_a_pointer_is_reported_and_never_runs(run, marker, name, form):
    (run.path / name).write_bytes(forms(marker)[form])
    with pytest.warns(DamagedCheckpointWarning, match=name):
        open_trained_run(run, device="cpu")
    assert not marker.exists()


@pytest.mark.parametrize("form", range(4))
def test_a_pickle_in_place_of_best_is_replaced_and_never_runs(run, marker, form):
    best = run.checkpoints / "best"
    named = best.read_text()
    best.write_bytes(forms(marker)[form])
    train(CONFIG, token_data(), run)
    assert best.read_text() == named
    assert not marker.exists()


@pytest.mark.parametrize("form", range(4))
def test_a_pickle_in_place_of_tokens_or_of_the_course_s_checkpoint_never_runs(tmp_path, marker, form):
    path = tmp_path / "file"
    path.write_bytes(forms(marker)[form])
    state = new_state(CONFIG, token_data())
    with pytest.raises(ValueError, match=r"whole file written by save_checkpoint but .*file"):
        load_checkpoint(path, state.model, state.optimizer)
    with pytest.raises(ValueError, match=r"(\.npy file of token ids but|integers on one axis.* but) .*file"):
        open_token_file(path)
    assert not marker.exists()
