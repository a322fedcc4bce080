"""What happens before the first step: fix the hardware, open the data, claim the run folder."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

from cs336_basics.tokenization import Tokenizer
from cs336_basics.training.config import RunConfig
from cs336_basics.training.hardware import describe_machine, resolve_hardware
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.token_data import TokenData, open_token_data

COMPARED = ("model", "optimizer", "training", "data")  # what must be equal for a run to continue


def prepare_run(
    config: RunConfig,
    run: RunFolder,
    *,
    train_tokens: Path,
    validation_tokens: Path | None,
    tokenizer: Path | None,
    notes: dict | None = None,
) -> tuple[RunConfig, TokenData]:
    """Check everything that a run needs, store it in the run folder, return what `train` takes.

    With a `tokenizer` folder the vocabulary is the tokenizer's, and its files are copied into the run.
    `notes` are stored beside the configuration and never compared.
    """
    if tokenizer is not None:
        vocab_size = load_tokenizer(tokenizer).vocab_size
        config = replace(config, model=replace(config.model, vocab_size=vocab_size))
    data = open_token_data(
        train_tokens,
        validation_tokens,
        vocab_size=config.model.vocab_size,
        context_length=config.model.context_length,
    )
    run.create()
    config = settle_hardware(config, run)
    content = {
        **config.to_dict(),
        "data": _describe_data(run, train_tokens, validation_tokens, data),
        "machine": describe_machine(),
        **(notes or {}),
    }
    run.claim(content, compared=COMPARED)
    if tokenizer is not None:
        _copy_tokenizer(tokenizer, run.tokenizer)
    return config, data


def settle_hardware(config: RunConfig, run: RunFolder) -> RunConfig:
    """Replace "auto" by what the run was started with, or for a new run by a look at the machine."""
    if run.config.is_file():
        stored = run.read_config()["training"]
        settled = {
            name: stored[name] for name in ("device", "precision") if getattr(config.training, name) == "auto"
        }
        return replace(config, training=replace(config.training, **settled))
    return replace(config, training=resolve_hardware(config.training))


def load_tokenizer(folder: str | os.PathLike[str]) -> Tokenizer:
    """Read the tokenizer whose two files lie in `folder`, as `cs336 train-tokenizer` writes them."""
    return Tokenizer.from_files(Path(folder) / "vocab.json", Path(folder) / "merges.txt")


def _describe_data(
    run: RunFolder, train_tokens: Path, validation_tokens: Path | None, data: TokenData
) -> dict[str, str | int | None]:
    return {
        "train_tokens": _stored_path(run, train_tokens),
        "validation_tokens": None if validation_tokens is None else _stored_path(run, validation_tokens),
        "num_train_tokens": len(data.train),
        "num_validation_tokens": len(data.validation),
    }


def _stored_path(run: RunFolder, path: Path) -> str:
    """Return a path that `run.path / stored` finds again: relative inside the run, which may be moved."""
    absolute, folder = path.resolve(), run.path.resolve()
    return absolute.relative_to(folder).as_posix() if absolute.is_relative_to(folder) else str(absolute)


def _copy_tokenizer(source: Path, destination: Path) -> None:
    if source.resolve() == destination.resolve():
        return
    destination.mkdir(exist_ok=True)
    for name in ("vocab.json", "merges.txt"):
        shutil.copyfile(source / name, destination / name)
