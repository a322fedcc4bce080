import json

import pytest
import torch

from cs336_basics.checkpoint import run_checkpoint
from cs336_basics.checkpoint.run_checkpoint import (
    latest_checkpoint,
    load_run_checkpoint,
    load_run_weights,
    save_run_checkpoint,
)
from cs336_basics.nn.linear import Linear
from cs336_basics.optim.adamw import AdamW


def trained(seed=0):
    """Return a module and an optimizer that has taken two steps, the second group without decay."""
    torch.manual_seed(seed)
    model = torch.nn.ModuleDict({"a": Linear(3, 5), "b": Linear(5, 7)})
    groups = [
        {"params": list(model["a"].parameters())},
        {"params": list(model["b"].parameters()), "weight_decay": 0.0},
    ]
    optimizer = AdamW(groups, lr=0.1, betas=(0.8, 0.9))
    for _ in range(2):
        model["b"](model["a"](torch.randn(11, 3))).square().mean().backward()
        optimizer.step()
    return model, optimizer


def test_a_run_checkpoint_restores_weights_moments_groups_and_progress(tmp_path):
    model, optimizer = trained()
    folder = save_run_checkpoint(tmp_path, model, optimizer, step=2, progress={"seconds": 0.1})
    other_model, other_optimizer = trained(seed=1)
    progress = load_run_checkpoint(folder, other_model, other_optimizer)
    assert progress == {"step": 2, "seconds": 0.1}
    torch.testing.assert_close(other_model.state_dict(), model.state_dict(), rtol=0, atol=0)
    found, expected = other_optimizer.state_dict(), optimizer.state_dict()
    assert found["param_groups"] == expected["param_groups"]
    torch.testing.assert_close(found["state"], expected["state"], rtol=0, atol=0)


def test_what_is_loaded_does_not_depend_on_the_files_any_more(tmp_path):
    model, optimizer = trained()
    folder = save_run_checkpoint(tmp_path, model, optimizer, step=1, progress={})
    loaded_model, loaded_optimizer = trained(seed=1)
    load_run_checkpoint(folder, loaded_model, loaded_optimizer)
    for file in folder.iterdir():
        file.write_bytes(b"\xff" * file.stat().st_size)
    torch.testing.assert_close(loaded_model.state_dict(), model.state_dict(), rtol=0, atol=0)
    torch.testing.assert_close(
        loaded_optimizer.state_dict()["state"], optimizer.state_dict()["state"], rtol=0, atol=0
    )


def test_the_newest_are_kept_and_latest_names_the_last(tmp_path):
    model, optimizer = trained()
    assert latest_checkpoint(tmp_path) is None
    for step in (9, 10, 11):
        save_run_checkpoint(tmp_path, model, optimizer, step=step, progress={}, keep=2)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["latest", "step-00000010", "step-00000011"]
    latest = latest_checkpoint(tmp_path)
    assert latest is not None
    assert latest.name == "step-00000011"


@pytest.mark.parametrize("name", ["weights.safetensors", "optimizer.safetensors", "state.json", "latest"])
def test_a_write_that_fails_leaves_the_earlier_checkpoint_as_the_latest(tmp_path, monkeypatch, name):
    model, optimizer = trained()
    first = save_run_checkpoint(tmp_path, model, optimizer, step=1, progress={})
    whole = run_checkpoint.replace_file

    def failing(path, mode="wb"):
        if path.name == name:
            raise OSError("no space left")
        return whole(path, mode)

    with monkeypatch.context() as patched:
        patched.setattr(run_checkpoint, "replace_file", failing)
        with pytest.raises(OSError, match="no space left"):
            save_run_checkpoint(tmp_path, model, optimizer, step=2, progress={})
    assert latest_checkpoint(tmp_path) == first
    load_run_checkpoint(first, model, optimizer)
    again = save_run_checkpoint(tmp_path, model, optimizer, step=2, progress={})
    assert latest_checkpoint(tmp_path) == again
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", first.name, again.name]


def test_a_pointer_to_an_incomplete_checkpoint_says_what_to_do(tmp_path):
    model, optimizer = trained()
    folder = save_run_checkpoint(tmp_path, model, optimizer, step=1, progress={})
    (folder / "state.json").unlink()
    with pytest.raises(ValueError, match="write the name of another folder"):
        latest_checkpoint(tmp_path)


def test_a_pointer_cannot_name_a_folder_elsewhere(tmp_path):
    model, optimizer = trained()
    save_run_checkpoint(tmp_path / "elsewhere", model, optimizer, step=1, progress={})
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "latest").write_text("../elsewhere/step-00000001")
    with pytest.raises(ValueError, match="missing or damaged"):
        latest_checkpoint(tmp_path / "here")


def test_weights_of_another_shape_are_named(tmp_path):
    model, optimizer = trained()
    folder = save_run_checkpoint(tmp_path, model, optimizer, step=1, progress={})
    other = torch.nn.ModuleDict({"a": Linear(3, 5), "b": Linear(5, 8)})
    with pytest.raises(ValueError, match=r"weight b\.weight must have the shape \(8, 5\)"):
        load_run_weights(folder, other)


def test_the_state_is_json_without_anything_executable(tmp_path):
    model, optimizer = trained()
    folder = save_run_checkpoint(tmp_path, model, optimizer, step=3, progress={"seconds": 1.5})
    state = json.loads((folder / "state.json").read_text())
    assert state["step"] == 3
    assert {path.name for path in folder.iterdir()} == {
        "weights.safetensors",
        "optimizer.safetensors",
        "state.json",
    }
