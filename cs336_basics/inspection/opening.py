"""Open a model with its tokenizer, whatever kind of folder it lies in."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cs336_basics.files.json_file import read_json
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.tokenization import Tokenizer
from cs336_basics.training.config import Device
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.trained_run import open_run_tokenizer, open_trained_run


@dataclass(frozen=True, kw_only=True)
class OpenedModel:
    """A model on a device with its tokenizer, and what to call it."""

    model: TransformerLM
    tokenizer: Tokenizer
    name: str


def kind_of_folder(folder: Path) -> Literal["run", "huggingface"]:
    """Say what wrote a folder, by its config.json; a folder without one is a `FileNotFoundError`."""
    path = folder / "config.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"expected the folder of a run but {folder} has no {path.name}; check the path or train one"
        )
    return "huggingface" if "model_type" in read_json(path) else "run"


def open_model(folder: Path, *, device: Device = "auto") -> OpenedModel:
    """Load the model of a run's last good checkpoint, with its tokenizer."""
    if kind_of_folder(folder) == "huggingface":
        raise ValueError(f"expected the folder of a run but {folder} holds a model of Hugging Face's")
    run = RunFolder(folder)
    tokenizer = open_run_tokenizer(run)
    trained = open_trained_run(run, device=device)
    return OpenedModel(model=trained.model, tokenizer=tokenizer, name=f"{folder}, step {trained.step:,}")
