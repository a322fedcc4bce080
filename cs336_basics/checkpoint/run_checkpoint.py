"""The checkpoints of a training run: a folder for each, written beside and renamed when it is complete.

    checkpoints/
      step-00000500/  weights.safetensors  optimizer.safetensors  state.json  random.json  checksums.sha256
      latest          a text file: the name of the newest complete folder
      best            a text file: the name of the folder with the lowest validation loss

A folder `step-00000500-unvalidated` is of a run that was stopped in the evaluation after that step.
Nothing in them can run code: safetensors holds numbers only, and the rest is JSON and text.
"""

import os
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from cs336_basics.checkpoint.checksums import check_whole, damaged, write_checksums
from cs336_basics.checkpoint.optimizer_state import join_optimizer_state
from cs336_basics.checkpoint.pointers import BEST, LATEST, folder_of_step, step_of_folder, write_pointer
from cs336_basics.checkpoint.retention import remove_old, remove_unfinished, set_aside, unfinished_folder
from cs336_basics.checkpoint.snapshot import Snapshot
from cs336_basics.checkpoint.state import load_model_and_optimizer, load_weights
from cs336_basics.checkpoint.tensor_file import write_tensors
from cs336_basics.files.atomic import make_folder, sync_folder
from cs336_basics.files.failed_write import explain_failed_write
from cs336_basics.files.json_file import read_json, write_json

WEIGHTS, OPTIMIZER, STATE, RANDOM = (
    "weights.safetensors",
    "optimizer.safetensors",
    "state.json",
    "random.json",
)
FILES = (WEIGHTS, OPTIMIZER, STATE, RANDOM)


def save_run_checkpoint(
    checkpoints: Path,
    snapshot: Snapshot,
    *,
    step: int,
    progress: dict[str, Any],
    random_states: dict[str, Any],
    keep: int = 2,
    is_best: bool = False,
    unvalidated: bool = False,
) -> Path:
    """Write a checkpoint, let `latest` and, if it is the best so far, `best` name it; return its folder.

    `progress` is what else the run must remember, as JSON can hold it. Of the older checkpoints all but
    `keep` and the best are then removed. A disk that refuses is a `FailedWriteError`, and what was there
    before is still there.
    """
    folder = folder_of_step(checkpoints, step, unvalidated=unvalidated)
    with explain_failed_write(folder, any_reason=True):
        make_folder(checkpoints)
        remove_unfinished(checkpoints)
        _write_folder(folder, snapshot, {"step": step, **progress}, random_states)
        write_pointer(checkpoints, LATEST, folder)
        if is_best:
            write_pointer(checkpoints, BEST, folder)
        remove_old(checkpoints, keep=keep, step=step)
    return folder


def check_run_checkpoint(folder: Path) -> None:
    """Raise `DamagedCheckpointError` unless every byte of a checkpoint is as it was written."""
    check_whole(folder, FILES)


def load_run_weights(folder: Path, model: nn.Module) -> None:
    """Put the weights of a checkpoint into `model`; a `ValueError` names what does not fit."""
    load_weights(model, _mapped_tensors(folder / WEIGHTS), source=folder)


def load_run_checkpoint(folder: Path, model: nn.Module, optimizer: Optimizer) -> None:
    """Put a checkpoint into `model` and `optimizer`; a `ValueError` names what does not fit."""
    progress = read_progress(folder)
    # Cloned, since as maps of the file they would live on in the optimizer. (Weights are copied anyway.)
    tensors = {name: tensor.clone() for name, tensor in _mapped_tensors(folder / OPTIMIZER).items()}
    try:
        optimizer_state = join_optimizer_state(tensors, progress["optimizer"])
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise damaged(folder / STATE, f"it holds no state of an optimizer: {error}") from None
    weights = _mapped_tensors(folder / WEIGHTS)
    load_model_and_optimizer(
        model, optimizer, weights=weights, optimizer_state=optimizer_state, source=folder
    )


def read_progress(folder: Path) -> dict[str, Any]:
    """Return the step of a checkpoint and what else the run had to remember."""
    progress = read_json(folder / STATE)
    step, seconds = progress.get("step"), progress.get("seconds", 0.0)
    if type(step) is not int or step != step_of_folder(folder):
        raise damaged(folder / STATE, f"it is of step {step!r:.40}")
    if type(seconds) not in (int, float):
        raise damaged(folder / STATE, f"its seconds are {seconds!r:.40}")
    return progress


def read_random_states(folder: Path) -> dict[str, Any]:
    """Return the random states of a checkpoint."""
    return read_json(folder / RANDOM)


def _write_folder(
    folder: Path, snapshot: Snapshot, progress: dict[str, Any], random_states: dict[str, Any]
) -> None:
    """Write a folder beside and rename it: under its own name it is complete from the first moment."""
    beside = unfinished_folder(folder)
    beside.mkdir()
    write_tensors(beside / WEIGHTS, snapshot.weights)
    write_tensors(beside / OPTIMIZER, snapshot.optimizer_tensors)
    write_json(beside / STATE, {**progress, "optimizer": snapshot.optimizer_numbers})
    write_json(beside / RANDOM, random_states)
    write_checksums(beside, FILES)
    if os.path.lexists(folder):  # from before the run went back to an earlier one: neither pointer names it
        set_aside(folder)
    os.replace(beside, folder)
    sync_folder(folder.parent)


def _mapped_tensors(path: Path) -> dict[str, Tensor]:
    """Return tensors that are maps of the file."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise damaged(path, str(error)) from None
