"""Open a model with its tokenizer, whatever kind of folder it lies in."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.tokenization import Tokenizer
from cs336_basics.training.config import Device
from cs336_basics.training.hardware import resolve_device
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.trained_run import open_run_tokenizer, open_trained_run


@dataclass(frozen=True, kw_only=True)
class OpenedModel:
    """A model on a device with its tokenizer, what to call it, and where to write about it."""

    model: TransformerLM
    tokenizer: Tokenizer
    name: str
    notes: Path
    """The folder of a run; for a model that others have made, the current one."""


def open_model(folder: Path, *, device: Device = "auto") -> OpenedModel:
    """Load the model of a run's last good checkpoint, or one that Hugging Face's libraries have stored."""
    return open_run(folder, device) if kind_of_folder(folder) == "run" else open_pretrained(folder, device)


def kind_of_folder(folder: Path) -> Literal["run", "pretrained"]:
    """Say what wrote a folder, by its config.json; a folder without one is a `FileNotFoundError`."""
    path = folder / "config.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"expected a run, or a model as Hugging Face stores it, but {folder} has no {path.name}; "
            "check the path"
        )
    return "run" if RunFolder(folder).is_run() else "pretrained"


def open_run(folder: Path, device: Device) -> OpenedModel:
    """Open what a run has left behind."""
    run = RunFolder(folder)
    tokenizer = open_run_tokenizer(run)
    trained = open_trained_run(run, device=device)
    name = f"{folder}, step {trained.step:,}"
    return OpenedModel(model=trained.model, tokenizer=tokenizer, name=name, notes=folder)


def open_pretrained(folder: Path, device: Device) -> OpenedModel:
    """Open a model of the Llama family, with its weights in float32."""
    model = TransformerLM.from_pretrained(folder, device=resolve_device(device))
    tokenizer = Tokenizer.from_huggingface(folder)
    return OpenedModel(model=model, tokenizer=tokenizer, name=str(folder), notes=Path())
