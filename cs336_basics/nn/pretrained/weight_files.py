"""The files that hold the weights of a Hugging Face folder: one, or several with an index.

Only safetensors is read: it holds numbers and nothing that could run. Files may be links, which a download
cache consists of; but what an index names must lie in the folder itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from cs336_basics.files.inside import plain_entry
from cs336_basics.files.json_file import read_json

if TYPE_CHECKING:
    from safetensors import safe_open

SINGLE_FILE, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLES = ("*.bin", "*.bin.index.json", "*.pt", "*.pth", "*.ckpt")


@dataclass(frozen=True)
class StoredWeight:
    """Where a weight lies, and what it is, without its numbers."""

    file: Path
    shape: tuple[int, ...]
    dtype: str
    """As safetensors calls it: F32, BF16."""


def find_weights(folder: Path) -> dict[str, StoredWeight]:
    """Return all weights in the files of a folder by their names.

    Raises `FileNotFoundError` where there are no files, `ValueError` where they do not agree with the index.
    """
    if (folder / SINGLE_FILE).is_file():
        return weights_in(folder / SINGLE_FILE)
    if not (folder / INDEX).is_file():
        raise _no_weights(folder)
    promised = read_index(folder)
    found: dict[str, StoredWeight] = {}
    for file in sorted(set(promised.values())):
        for name, weight in weights_in(file).items():
            if promised.get(name) != file:
                raise ValueError(f"{INDEX} must name every weight but not {name} in {file}; restore it")
            found[name] = weight
    for name, file in promised.items():
        if name not in found:
            raise ValueError(f"{file} must hold what {INDEX} promises but lacks {name}; download it again")
    return found


def read_index(folder: Path) -> dict[str, Path]:
    """Return which file the index promises for each weight; a name that leads elsewhere is a `ValueError`."""
    weight_map = read_json(folder / INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(file, str) for file in weight_map.values()):
        raise ValueError(
            f"{folder / INDEX} must name a file for each weight but its weight_map does not; restore it"
        )
    return {name: plain_entry(folder, file) for name, file in weight_map.items()}


def weights_in(file: Path) -> dict[str, StoredWeight]:
    """Return the weights in one file."""
    with opened(file) as weights:
        slices = {name: weights.get_slice(name) for name in weights.keys()}  # noqa: SIM118 (it is no mapping)
        return {
            name: StoredWeight(file, tuple(found.get_shape()), found.get_dtype())
            for name, found in slices.items()
        }


def read_weights(stored: dict[str, StoredWeight]) -> Iterator[tuple[str, Tensor]]:
    """Yield the numbers of each weight with its name, file by file, so that few are in memory at once."""
    for file in sorted({weight.file for weight in stored.values()}):
        with opened(file) as weights:
            for name in weights.keys():  # noqa: SIM118
                yield name, weights.get_tensor(name)


@contextmanager
def opened(file: Path) -> Iterator["safe_open"]:
    """Open a safetensors file; one that is missing or damaged is named."""
    from safetensors import SafetensorError, safe_open

    if not file.is_file():
        raise FileNotFoundError(
            f"expected the weights in {file} but there is no such file; download it again"
        )
    try:
        with safe_open(file, framework="pt", device="cpu") as weights:
            yield weights
    except SafetensorError as error:
        raise ValueError(
            f"{file} must be a safetensors file but is damaged ({error}); download it again"
        ) from None


def _no_weights(folder: Path) -> Exception:
    for pattern in PICKLES:
        for file in sorted(folder.glob(pattern)):
            return ValueError(
                f"weights must be in safetensors files but {folder} has only {file.name}, a pickle, which "
                "could run code; take a model that comes with safetensors, or convert it where you trust it"
            )
    return FileNotFoundError(
        f"expected weights but {folder} has neither {SINGLE_FILE} nor {INDEX}; download the model again"
    )
