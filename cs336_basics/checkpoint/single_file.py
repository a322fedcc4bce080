"""The course's checkpoint: model, optimizer and iteration in one file, written and read by torch.

Reading never runs code from the file: `weights_only=True` admits tensors, numbers, strings and containers.
"""

import dataclasses
import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import IO, Any

import torch
from torch import nn
from torch.optim import Optimizer

from cs336_basics.checkpoint.state import check_optimizer_state, load_weights, plain_state
from cs336_basics.files.atomic import replace_file

CheckpointFile = str | os.PathLike[str] | IO[bytes] | io.BytesIO


def save_checkpoint(model: nn.Module, optimizer: Optimizer, iteration: int, out: CheckpointFile) -> None:
    """Write everything needed to go on to a path (whole or not at all) or to an open binary file.

    The weights carry the names of the plain model, also when `model` is compiled. The configuration is
    stored when the model has one (`model.config`).
    """
    content = {
        "model": plain_state(model),
        "optimizer": optimizer.state_dict(),
        "iteration": iteration,
        "config": _config_of(model),
    }
    if isinstance(out, str | os.PathLike):
        with replace_file(out) as file:
            torch.save(content, file)
    else:
        torch.save(content, out)


def _config_of(model: nn.Module) -> dict[str, Any] | None:
    config = getattr(model, "config", None)
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        return dataclasses.asdict(config)
    return None


def load_checkpoint(src: CheckpointFile, model: nn.Module, optimizer: Optimizer) -> int:
    """Put the content of a checkpoint into `model` and `optimizer` and return its iteration.

    Raises `FileNotFoundError`, or `ValueError` for a file that is no checkpoint, is cut off, or holds other
    names or shapes than the model; model and optimizer are then as they were.
    """
    source = src if isinstance(src, str | os.PathLike) else getattr(src, "name", "the file object")
    content = _read(src, source)
    check_optimizer_state(optimizer, content["optimizer"], source=source)
    load_weights(model, content["model"], source=source)
    optimizer.load_state_dict(content["optimizer"])
    return content["iteration"]


def _read(src: CheckpointFile, source: object) -> dict[str, Any]:
    if isinstance(src, str | os.PathLike) and not Path(src).is_file():
        raise FileNotFoundError(f"expected a checkpoint but found none at {source}; check the path")
    try:
        _check_is_zip_file(src)
        content = torch.load(src, map_location="cpu", weights_only=True)
    except (RuntimeError, LookupError, pickle.UnpicklingError, zipfile.BadZipFile, ValueError) as error:
        raise ValueError(
            f"a checkpoint must be a whole file written by save_checkpoint but {source} cannot be read; "
            "take an earlier one"
        ) from error
    if not isinstance(content, dict) or not {"model", "optimizer", "iteration"} <= content.keys():
        raise ValueError(f"a checkpoint holds model, optimizer and iteration but {source} does not")
    return content


def _check_is_zip_file(src: CheckpointFile) -> None:
    """Refuse what is not even an archive: torch would read it as a pickle of old and fail in many ways."""
    if isinstance(src, str | os.PathLike):
        is_zip_file = zipfile.is_zipfile(src)
    else:
        position = src.tell()
        is_zip_file = zipfile.is_zipfile(src)
        src.seek(position)
    if not is_zip_file:
        raise zipfile.BadZipFile("not an archive")
