import json
import os
import sys
from pathlib import Path

import pytest
import torch

from cs336_basics.checkpoint.checksums import CHECKSUMS, write_checksums
from cs336_basics.checkpoint.newest_whole import newest_whole_checkpoint
from cs336_basics.checkpoint.run_checkpoint import (
    FILES,
    check_run_checkpoint,
    load_run_checkpoint,
    load_run_weights,
    read_progress,
    read_random_states,
)
from cs336_basics.files.failed_write import FailedWriteError
from cs336_basics.nn.linear import Linear
from tests.unit.checkpoint.small_checkpoint import save, trained


def test_a_run_checkpoint_restores_weights_moments_groups_and_progress(tmp_path):
    model, optimizer = trained()
    folder = save(tmp_path, 2, progress={"seconds": 0.1}, random_states={"torch": "ab"})
    other_model, other_optimizer = trained(seed=1)
    load_run_checkpoint(folder, other_model, other_optimizer)
    progress = read_progress(folder)
    assert (progress["step"], progress["seconds"]) == (2, 0.1)
    assert read_random_states(folder) == {"torch": "ab"}
    torch.testing.assert_close(other_model.state_dict(), model.state_dict(), rtol=0, atol=0)
    found, expected = other_optimizer.state_dict(), optimizer.state_dict()
    assert found["param_groups"] == expected["param_groups"]
    torch.testing.assert_close(found["state"], expected["state"], rtol=0, atol=0)


def test_what_is_loaded_does_not_depend_on_the_files_any_more(tmp_path):
    model, optimizer = trained()
    folder = save(tmp_path, 1)
    loaded_model, loaded_optimizer = trained(seed=1)
    load_run_checkpoint(folder, loaded_model, loaded_optimizer)
    for file in folder.iterdir():
        file.write_bytes(b"\xff" * file.stat().st_size)
    torch.testing.assert_close(loaded_model.state_dict(), model.state_dict(), rtol=0, atol=0)
    torch.testing.assert_close(
        loaded_optimizer.state_dict()["state"], optimizer.state_dict()["state"], rtol=0, atol=0
    )


def test_the_newest_are_kept_and_latest_names_the_last(tmp_path):
    assert newest_whole_checkpoint(tmp_path) is None
    for step in (9, 10, 11):
        save(tmp_path, step, keep=2)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["latest", "step-00000010", "step-00000011"]
    latest = newest_whole_checkpoint(tmp_path)
    assert latest is not None
    assert latest.name == "step-00000011"


def test_the_best_is_kept_however_old_until_there_is_a_better_one(tmp_path):
    kept = []
    for step in range(1, 8):
        save(tmp_path, step, keep=1, is_best=step in (2, 6))
        kept.append([int(path.name[5:]) for path in sorted(tmp_path.glob("step-*"))])
    assert kept == [[1], [2], [2, 3], [2, 4], [2, 5], [6], [6, 7]]
    assert (tmp_path / "best").read_text() == "step-00000006\n"


FAILING = ["weights.safetensors", "optimizer.safetensors", "state.json", "random.json", "latest", "best"]


@pytest.mark.parametrize("name", FAILING)
def test_a_write_that_fails_leaves_the_earlier_checkpoints_whole(tmp_path, monkeypatch, name):
    first = save(tmp_path, 1, is_best=True)
    replace = os.replace

    def failing(source, destination):
        if Path(destination).name == name:
            raise OSError(28, "No space left on device")
        return replace(source, destination)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", failing)
        with pytest.raises(FailedWriteError, match=r"must be written whole but cannot be \(No space left"):
            save(tmp_path, 2, is_best=True)
    check_run_checkpoint(first)
    assert newest_whole_checkpoint(tmp_path) == (first if name != "best" else tmp_path / "step-00000002")
    again = save(tmp_path, 2, is_best=True)
    assert newest_whole_checkpoint(tmp_path) == again
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best", "latest", first.name, again.name]


def test_weights_of_another_shape_are_named(tmp_path):
    folder = save(tmp_path, 1)
    other = torch.nn.ModuleDict({"a": Linear(3, 5), "b": Linear(5, 8)})
    with pytest.raises(ValueError, match=r"weight b\.weight must have the shape \(8, 5\)"):
        load_run_weights(folder, other)


def test_the_state_is_json_without_anything_executable(tmp_path):
    folder = save(tmp_path, 3, progress={"seconds": 1.5})
    state = json.loads((folder / "state.json").read_text())
    assert state["step"] == 3
    assert {path.name for path in folder.iterdir()} == {*FILES, CHECKSUMS}


def test_a_state_without_its_optimizer_is_refused_by_name(tmp_path):
    folder = save(tmp_path, 3)
    for optimizer in (None, {}, {"param_groups": [], "per_parameter": []}, "adamw"):
        (folder / "state.json").write_text(json.dumps({"step": 3, "optimizer": optimizer}))
        write_checksums(folder, FILES)
        check_run_checkpoint(folder)
        with pytest.raises(ValueError, match=r"state\.json|step-00000003 holds groups"):
            load_run_checkpoint(folder, *trained())


@pytest.mark.parametrize(
    "damage",
    [{"step": "3"}, {"step": None}, {"step": 4}, {"step": 3.0}, {"seconds": "1"}, {"seconds": None}],
    ids=str,
)
def test_a_state_of_another_step_or_without_numbers_is_refused_by_name(tmp_path, damage):
    folder = save(tmp_path, 3, progress={"seconds": 1.5})
    state = read_progress(folder)
    (folder / "state.json").write_text(json.dumps({**state, **damage}))
    with pytest.raises(ValueError, match=r"state\.json is missing or damaged \(it"):
        read_progress(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc what a descriptor is")
def test_everything_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    checkpoints = tmp_path / "run" / "checkpoints"
    events = []
    fsync, replace = os.fsync, os.replace

    def noting_fsync(descriptor):
        events.append(("fsync", Path(os.readlink(f"/proc/self/fd/{descriptor}"))))
        fsync(descriptor)

    def noting_replace(source, destination):
        events.append(("replace", Path(source)))
        replace(source, destination)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(os, "replace", noting_replace)
    save(checkpoints, 1, is_best=True)
    beside = checkpoints / ".unfinished-step-00000001"
    expected = [("fsync", tmp_path), ("fsync", tmp_path / "run")]  # the two new folders above
    for name in (*FILES, CHECKSUMS):
        file = beside / f".{name}.unfinished"
        expected += [("fsync", file), ("replace", file), ("fsync", beside)]
    expected += [("replace", beside), ("fsync", checkpoints)]
    for name in ("latest", "best"):
        file = checkpoints / f".{name}.unfinished"
        expected += [("fsync", file), ("replace", file), ("fsync", checkpoints)]
    assert events == expected
