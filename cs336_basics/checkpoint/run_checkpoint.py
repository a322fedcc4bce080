"""The checkpoints of a training run: a folder for each, written beside and renamed when it is complete.

    checkpoints/
      step-00000500/  weights.safetensors  optimizer.safetensors  state.json
      latest          a text file: the name of the newest complete folder

Nothing in them can run code: safetensors holds numbers only, and the rest is JSON.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer

from cs336_basics.checkpoint.optimizer_state import join_optimizer_state, split_optimizer_state
from cs336_basics.checkpoint.state import check_optimizer_state, load_weights, plain_state
from cs336_basics.files.atomic import replace_file, sync_folder
from cs336_basics.files.json_file import read_json

WEIGHTS, OPTIMIZER, STATE, LATEST = "weights.safetensors", "optimizer.safetensors", "state.json", "latest"
UNFINISHED = ".unfinished-"


def save_run_checkpoint(
    checkpoints: Path,
    model: nn.Module,
    optimizer: Optimizer,
    *,
    step: int,
    progress: dict[str, Any],
    keep: int = 2,
) -> Path:
    """Write a checkpoint, point `latest` to it, remove all but the newest `keep`; return its folder.

    `progress` is what else the run must remember, as JSON can hold it.
    """
    checkpoints.mkdir(parents=True, exist_ok=True)
    _remove_unfinished(checkpoints)
    folder = checkpoints / f"step-{step:08d}"
    beside = checkpoints / f"{UNFINISHED}{folder.name}"
    beside.mkdir()
    _write_files(beside, model, optimizer, {"step": step, **progress})
    if folder.exists():  # left by a run that was killed before `latest` named it
        os.replace(folder, checkpoints / f"{UNFINISHED}replaced-{folder.name}")
    os.replace(beside, folder)
    sync_folder(checkpoints)
    with replace_file(checkpoints / LATEST, "w") as file:
        file.write(folder.name + "\n")
    _remove_unfinished(checkpoints)
    for old in sorted(checkpoints.glob("step-*"))[:-keep]:
        shutil.rmtree(old, ignore_errors=True)  # too many are better than a run that ends
    return folder


def latest_checkpoint(checkpoints: Path) -> Path | None:
    """Return the folder that `latest` names, or None where no checkpoint was written yet."""
    pointer = checkpoints / LATEST
    if not pointer.is_file():
        return None
    folder = checkpoints / Path(pointer.read_text(encoding="utf-8").strip()).name
    if not (folder / STATE).is_file():
        raise _damaged(folder / STATE, f"{LATEST} names {folder.name}")
    return folder


def load_run_weights(folder: Path, model: nn.Module) -> None:
    """Put the weights of a checkpoint into `model`; a `ValueError` names what does not fit."""
    load_weights(model, _read_tensors(folder / WEIGHTS), source=folder)


def load_run_checkpoint(folder: Path, model: nn.Module, optimizer: Optimizer) -> dict[str, Any]:
    """Put a checkpoint into `model` and `optimizer` and return its step and progress."""
    content = read_json(folder / STATE)
    optimizer_state = join_optimizer_state(_read_tensors(folder / OPTIMIZER), content.pop("optimizer"))
    check_optimizer_state(optimizer, optimizer_state, source=folder)
    load_run_weights(folder, model)
    optimizer.load_state_dict(optimizer_state)
    return content


def _write_files(folder: Path, model: nn.Module, optimizer: Optimizer, state: dict[str, Any]) -> None:
    from safetensors.torch import save

    tensors, numbers = split_optimizer_state(optimizer)
    weights = {name: tensor.contiguous() for name, tensor in plain_state(model).items()}
    contents = {
        WEIGHTS: save(weights),
        OPTIMIZER: save(tensors),
        STATE: json.dumps({**state, "optimizer": numbers}, indent=2).encode(),
    }
    for name, content in contents.items():
        with replace_file(folder / name) as file:
            file.write(content)


def _read_tensors(path: Path) -> dict:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        # Not load_file: its tensors are maps of the file, which would live on in the optimizer.
        return load(path.read_bytes())
    except (SafetensorError, FileNotFoundError) as error:
        raise _damaged(path, str(error)) from None


def _damaged(path: Path, reason: str) -> ValueError:
    return ValueError(
        f"a checkpoint must be whole but {path} is missing or damaged ({reason}); "
        f"write the name of another folder in {path.parent.parent} into the file {LATEST} there"
    )


def _remove_unfinished(checkpoints: Path) -> None:
    for leftover in checkpoints.glob(f"{UNFINISHED}*"):
        shutil.rmtree(leftover)
