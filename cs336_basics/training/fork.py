"""Start a run from the weights of another one: they become its checkpoint of step 0.

From then on it is a run like any other and needs the other one no more. The optimizer, the schedule and the
random states begin anew.
"""

import os
from pathlib import Path
from typing import Any

from cs336_basics.checkpoint.pointers import has_checkpoint
from cs336_basics.checkpoint.run_checkpoint import load_run_weights
from cs336_basics.training.config import RunConfig
from cs336_basics.training.differences import differences
from cs336_basics.training.random_state import own_random_states
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.state import new_state, save
from cs336_basics.training.token_data import TokenData
from cs336_basics.training.trained_run import last_good_checkpoint


def fork_source(run: RunFolder, fork_from: Path | None) -> RunFolder | None:
    """Return the run to begin with, or None where there is none, or where `run` has begun with it already.

    A run that has begun without is a `ValueError`. (Which of several it began with does not count: they may
    have been moved.)
    """
    if fork_from is None:
        return None
    if not has_checkpoint(run.checkpoints):
        return RunFolder(fork_from)
    if run.read_config().get("fork_from") is None:
        raise ValueError(
            f"only a new run can begin with the weights of {fork_from} but {run.path} has begun with "
            "its own; choose another run folder"
        )
    return None


def require_fitting_source(source: RunFolder, content: dict[str, Any]) -> None:
    """Raise `ValueError` with the fields that differ unless `source` has the same model and tokenizer.

    `content` is the configuration of the new run. A tokenizer that only one of them has is no difference.
    """
    stored = source.read_config()
    differing = differences(stored.get("model"), content["model"], "model")
    theirs, ours = (data.get("tokenizer") for data in (source.read_part("data"), content["data"]))
    if theirs is not None and ours is not None:
        differing += differences(theirs, ours, "data.tokenizer")
    if differing:
        raise ValueError(
            f"a fork must have the model and tokenizer of the run it comes from but {source.path} has others "
            f"({'; '.join(differing)}); take the same, or start without the weights of another run"
        )


def fork(config: RunConfig, data: TokenData, run: RunFolder, source: RunFolder) -> None:
    """Write the checkpoint of step 0 with the weights of the last good checkpoint of `source`."""
    if os.path.realpath(source.path) == os.path.realpath(run.path):
        raise ValueError(
            f"a run cannot be forked from itself but both are {run.path}; choose another run folder"
        )
    checkpoint = last_good_checkpoint(source)
    with own_random_states(config.training.seed, config.training.device):
        state = new_state(config, data)
        load_run_weights(checkpoint, state.model)
        save(state, config, run, keep=1)
