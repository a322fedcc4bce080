"""The course's checkpoint: model, optimizer and iteration in one file, written and read by torch.

Reading never runs code from the file: `weights_only=True` admits tensors, numbers, strings and containers.
"""

import dataclasses
import io
import operator
import os
import pickle
import zipfile
from pathlib import Path
from types import NoneType
from typing import IO, Any

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from cs336_basics.checkpoint.state import load_model_and_optimizer, plain_state
from cs336_basics.files.atomic import replace_file
from cs336_basics.functional.plain_tensor import is_plain

# What torch and zipfile have been seen to raise for bytes that nobody wrote.
UNREADABLE = (
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
)

# Besides tensors and containers; all of them can be read without running code.
PLAIN_TYPES = {bool, int, float, complex, str, bytes, NoneType, torch.Size, torch.dtype, torch.device}

MARKED_AS_FOLDER = 0x10  # an attribute of old; torch then reads nothing and leaves memory as it finds it

CheckpointFile = str | os.PathLike[str] | IO[bytes] | io.BytesIO


def save_checkpoint(model: nn.Module, optimizer: Optimizer, iteration: int, out: CheckpointFile) -> None:
    """Write everything needed to go on to a path (whole or not at all) or to an open binary file.

    The weights carry the names of the plain model, also when `model` is compiled. The configuration is
    stored when the model has one (`model.config`). Numbers of NumPy become plain ones; what else cannot be
    read without running code is a `TypeError`.
    """
    content = {
        "model": plain_state(model),
        "optimizer": _plain(optimizer.state_dict(), "optimizer"),
        "iteration": _integer(iteration),
        "config": _plain(_config_of(model), "config"),
    }
    if isinstance(out, str | os.PathLike):
        with replace_file(out) as file:
            torch.save(content, file)
    else:
        torch.save(content, out)


def _integer(iteration: Any) -> int:
    try:
        return operator.index(iteration)
    except TypeError:
        raise TypeError(
            f"the iteration of a checkpoint must be an integer but is {iteration!r}; give the steps taken"
        ) from None


def _plain(value: Any, name: str) -> Any:
    """Return the same with plain numbers in place of NumPy's, or raise `TypeError` for what is not plain."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {_plain(key, name): _plain(entry, f"{name}.{key}") for key, entry in value.items()}
    if type(value) in (list, tuple, set):
        return type(value)(_plain(entry, name) for entry in value)
    if not (is_plain(value) or type(value) in PLAIN_TYPES):
        raise TypeError(
            f"a checkpoint must consist of tensors, numbers, strings and containers of them but {name} is a "
            f"{type(value).__name__}; convert it first"
        )
    return value


def _config_of(model: nn.Module) -> dict[str, Any] | None:
    config = getattr(model, "config", None)
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        return dataclasses.asdict(config)
    return None


def load_checkpoint(src: CheckpointFile, model: nn.Module, optimizer: Optimizer) -> int:
    """Put the content of a checkpoint into `model` and `optimizer` and return its iteration.

    Raises `FileNotFoundError`, or `ValueError` for a file that is no checkpoint, is cut off or damaged, or
    holds other names or shapes than the model, or the weights of one that is configured to compute something
    else from them; model and optimizer are then as they were.
    """
    source = src if isinstance(src, str | os.PathLike) else getattr(src, "name", "the file object")
    content = _read(src, source)
    _check_config(model, content.get("config"), source)
    load_model_and_optimizer(
        model, optimizer, weights=content["model"], optimizer_state=content["optimizer"], source=source
    )
    return content["iteration"]


def _check_config(model: nn.Module, stored: Any, source: object) -> None:
    """Raise `ValueError` for a choice that the weights do not show and that was another one in training."""
    if not isinstance(stored, dict) or _config_of(model) is None:
        return
    defaults = {field.name: field.default for field in dataclasses.fields(model.config)}  # pyright: ignore
    for name, value in getattr(model.config, "beyond_the_weights", {}).items():
        found = stored.get(name, defaults[name])
        if found != value:
            raise ValueError(
                f"a model must be configured as it was trained but {name} is {value} and {source} holds "
                f"{found}; build it with that, or load the weights alone with load_state_dict"
            )


def _read(src: CheckpointFile, source: object) -> dict[str, Any]:
    if isinstance(src, str | os.PathLike) and not Path(src).is_file():
        raise FileNotFoundError(f"expected a checkpoint but found none at {source}; check the path")
    try:
        _check_whole(src)
        content = torch.load(src, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise ValueError(
            f"a checkpoint must be a whole file written by save_checkpoint but {source} cannot be read; "
            "take an earlier one"
        ) from error
    if not isinstance(content, dict) or not {"model", "optimizer", "iteration"} <= content.keys():
        raise ValueError(f"a checkpoint holds model, optimizer and iteration but {source} does not")
    if not isinstance(content["iteration"], int):
        raise ValueError(
            f"the iteration of a checkpoint must be an integer but {source} holds "
            f"{type(content['iteration']).__name__}; take an earlier one"
        )
    return content


def _check_whole(src: CheckpointFile) -> None:
    """Compare every entry with the checksum beside it, which torch never looks at.

    Without an archive torch would read a pickle of old, which fails in many ways. It compresses nothing.
    """
    if isinstance(src, str | os.PathLike):
        with open(src, "rb") as file:
            return _check_whole(file)
    position = src.tell()
    with zipfile.ZipFile(src) as archive:
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED or entry.external_attr & MARKED_AS_FOLDER:
                raise zipfile.BadZipFile(f"{entry.filename} is not as torch stores it")
        damaged = archive.testzip()
    if damaged is not None:
        raise zipfile.BadZipFile(f"{damaged} is not what was written")
    src.seek(position)
    return None
