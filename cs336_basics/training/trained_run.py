"""Open what a run has left behind: the model at its last checkpoint, its configuration, its tokenizer."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

from cs336_basics.checkpoint.checksums import damaged
from cs336_basics.checkpoint.newest_whole import newest_whole_checkpoint
from cs336_basics.checkpoint.pointers import has_checkpoint, step_of_folder
from cs336_basics.checkpoint.run_checkpoint import STATE, load_run_weights, read_progress
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.tokenization import Tokenizer
from cs336_basics.training.config import Device, RunConfig
from cs336_basics.training.differences import differences
from cs336_basics.training.hardware import resolve_device, weight_dtype
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.token_data import TokenData


@dataclass(frozen=True, kw_only=True)
class TrainedRun:
    """A model on a device, ready for use."""

    model: TransformerLM
    config: RunConfig
    """As the run was trained, with the device where the model is now."""
    step: int
    """Steps that the model was trained for."""


def read_run_config(run: RunFolder) -> RunConfig:
    """Return the configuration of a run; a damaged one is a `ValueError` that names the file."""
    content = run.read_config()
    try:
        return RunConfig.from_dict(content)
    except ValueError as error:
        raise ValueError(f"{run.config}: {error}") from None


def open_trained_run(run: RunFolder, *, device: Device = "auto") -> TrainedRun:
    """Load the model of the last good checkpoint; a run without one is a `FileNotFoundError`."""
    config = read_run_config(run)
    checkpoint = last_good_checkpoint(run)
    training = replace(config.training, device=resolve_device(device))
    model = TransformerLM.from_config(config.model, dtype=weight_dtype(training))
    load_run_weights(checkpoint, model)
    config = replace(config, training=training)
    return TrainedRun(model=model.to(training.device), config=config, step=step_of_folder(checkpoint))


def last_good_checkpoint(run: RunFolder) -> Path:
    """Return the newest whole checkpoint, made with the configuration of the run.

    A run without one is a `FileNotFoundError`, one with another configuration a `ValueError`.
    """
    checkpoint = newest_whole_checkpoint(run.checkpoints)
    if checkpoint is None:
        remedy = (
            "start another with a lower learning rate"
            if run.divergence.exists()
            else "train it further first"
        )
        raise FileNotFoundError(f"expected a checkpoint but {run.path} has none yet; {remedy}")
    require_config_of_checkpoint(run, checkpoint)
    return checkpoint


def require_still_own(run: RunFolder, config: RunConfig, data: TokenData) -> None:
    """Raise `ValueError` if another process has prepared the run for something else meanwhile.

    For whoever keeps others out by now: `prepare_run` did so only until it had stored what it was given.
    Once there is a checkpoint, nobody can change it any more.
    """
    if has_checkpoint(run.checkpoints) or not run.config.is_file():
        return
    content = run.read_config()
    own = {**config.to_dict(), "data": data.description}
    stored = {part: {key: content[part].get(key) for key in own[part]} for part in own if part in content}
    differing = differences({**own, **stored}, own, "config")
    if differing:
        raise ValueError(
            f"a run must be trained as it was prepared but another process has changed {run.config} "
            f"meanwhile ({'; '.join(differing)}); give this one a run folder of its own"
        )


def require_config_of_checkpoint(run: RunFolder, checkpoint: Path) -> None:
    """Raise `ValueError` with the fields in which `config.json` is not what a checkpoint was trained with.

    Some, such as the base of RoPE, would give another model from the same weights. Of the two files only the
    checkpoint's has a checksum.
    """
    trained, content = read_progress(checkpoint).get("config"), run.read_config()
    if not isinstance(trained, dict):
        raise damaged(checkpoint / STATE, "it holds no configuration")
    parts = [field.name for field in fields(RunConfig)]
    differing = differences(trained, {part: content.get(part) for part in parts}, "config")
    if differing:
        raise ValueError(
            f"the configuration of a run must be that of its checkpoint but {run.config} is not that of "
            f"{checkpoint} ({'; '.join(differing)}); restore it"
        )


def open_run_tokenizer(run: RunFolder) -> Tokenizer:
    """Read the run's tokenizer; a run that was started without one is a `FileNotFoundError`."""
    run.read_config()  # what is no run must not be told to lack a tokenizer
    if not run.tokenizer.is_dir():
        raise FileNotFoundError(
            f"expected a tokenizer but {run.path} has none; copy its files to {run.tokenizer}"
        )
    return Tokenizer.from_folder(run.tokenizer)
