"""What happens before the first step: fix the hardware, open the data, claim the run folder."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from cs336_basics.checkpoint.pointers import has_checkpoint
from cs336_basics.files.atomic import replace_file
from cs336_basics.tokenization import Tokenizer
from cs336_basics.tokenization.folder import TOKENIZER_FILES, tokenizer_files
from cs336_basics.training.config import RunConfig
from cs336_basics.training.fork import fork, fork_source, require_fitting_source
from cs336_basics.training.hardware import describe_machine, resolve_hardware
from cs336_basics.training.hold import hold
from cs336_basics.training.processes import Processes
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.stored_paths import stored_paths
from cs336_basics.training.token_data import TokenData, TokenPaths, open_token_data
from cs336_basics.training.trained_run import read_run_config

COMPARED = ("model", "optimizer", "training", "data")  # what must be equal for a run to continue


def prepare_run(
    config: RunConfig,
    run: RunFolder,
    *,
    job: str,
    tokens: TokenPaths,
    tokenizer: Path | None,
    fork_from: Path | None = None,
    notes: dict[str, Any] | None = None,
) -> tuple[RunConfig, TokenData]:
    """Check everything that a run needs, store it in the run folder, return what `train` takes.

    With a `tokenizer` folder the vocabulary is the tokenizer's, and its files are copied into the run.
    With `fork_from`, the folder of another run, a new run begins with the weights of its last checkpoint; one
    that has a checkpoint of its own does without it.
    `notes` are stored beside the configuration and never compared.
    """
    if tokenizer is not None:
        vocab_size = Tokenizer.from_folder(tokenizer).vocab_size
        config = replace(config, model=replace(config.model, vocab_size=vocab_size))
    data = open_run_data(config, tokens)
    fingerprints = {
        **data.description,
        "tokenizer": None if tokenizer is None else _sha256_of_tokenizer(tokenizer),
    }
    source = fork_source(run, fork_from)
    if source is not None:
        require_fitting_source(source, {**config.to_dict(), "data": fingerprints})
    run.create(job=job)
    config = settle_hardware(config, run)
    content = {
        "job": job,
        **config.to_dict(),
        "data": fingerprints,
        "fork_from": None if fork_from is None else str(fork_from.resolve()),
        "paths": stored_paths(run, tokens),
        "machine": describe_machine(),
        **(notes or {}),
    }
    with hold(run):
        run.claim(content, compared=COMPARED)
        if tokenizer is not None and tokenizer.resolve() != run.tokenizer.resolve():
            _copy_tokenizer(tokenizer, run.tokenizer)
        if source is not None:
            fork(config, data, run, source)
    return config, data


def prepare_run_together(
    processes: Processes, config: RunConfig, run: RunFolder, *, tokens: TokenPaths, **how: Any
) -> tuple[RunConfig, TokenData]:
    """Let the first process do what `prepare_run` does, and the others take over what it has decided."""
    if processes.is_first:
        config, data = prepare_run(config, run, tokens=tokens, **how)
        processes.from_first(json.dumps(config.to_dict()))
        return config, data
    config = RunConfig.from_dict(json.loads(processes.from_first("")))
    return config, open_run_data(config, tokens)


def open_run_data(config: RunConfig, tokens: TokenPaths) -> TokenData:
    """Open the token files for the vocabulary and the context of a run."""
    return open_token_data(
        tokens, vocab_size=config.model.vocab_size, context_length=config.model.context_length
    )


def settle_hardware(config: RunConfig, run: RunFolder) -> RunConfig:
    """Replace "auto" by what the run was started with, or for a new run by a look at the machine.

    A run without a checkpoint is new: what an attempt that came to nothing has stored does not count.
    """
    training = config.training
    if has_checkpoint(run.checkpoints):
        stored = read_run_config(run).training
        for name in ("device", "precision"):
            if getattr(training, name) == "auto":
                training = replace(training, **{name: getattr(stored, name)})
    return replace(config, training=resolve_hardware(training))


def _sha256_of_tokenizer(folder: Path) -> str:
    return hashlib.sha256(
        b"".join((folder / name).read_bytes() for name in tokenizer_files(folder))
    ).hexdigest()


def _copy_tokenizer(source: Path, destination: Path) -> None:
    """Copy the files of a tokenizer, and remove those of another one that an earlier attempt has left."""
    destination.mkdir(exist_ok=True)
    names = tokenizer_files(source)
    for name in names:
        with replace_file(destination / name) as file:
            file.write((source / name).read_bytes())
    for name in set(TOKENIZER_FILES) - set(names):
        (destination / name).unlink(missing_ok=True)
