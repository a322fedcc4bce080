"""The numbers of a run for Weights & Biases: on its server, or for later in the run folder.

wandb's own environment variables say where to (WANDB_MODE, WANDB_PROJECT, WANDB_ENTITY, WANDB_API_KEY). It
gets the configuration and the numbers, and nothing about the machine, the code or what is printed.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cs336_basics.checkpoint.pointers import has_checkpoint
from cs336_basics.files.atomic import make_folder, replace_file
from cs336_basics.files.inside import refuse_link
from cs336_basics.training.config import RunConfig
from cs336_basics.training.metrics import Metrics
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.tracking.tracker import Log, numbers_to_log

PROJECT = "cs336_basics"  # unless WANDB_PROJECT names another
ID_FILE = "id.txt"


@contextmanager
def wandb_log(run: RunFolder, config: RunConfig, *, after_step: int) -> Iterator[Log]:
    """Log to the run at wandb whose id the run folder holds; a run without a checkpoint gets a new one.

    The server drops what it has already got of a step. Offline each process leaves a folder of its own with
    the same id. A service that refuses, for want of a login for example, is a `RuntimeError`.
    """
    folder = refuse_link(run.wandb)
    service_run = start(run, config, run_id(folder, is_new=not has_checkpoint(run.checkpoints)))

    def log(metrics: Metrics) -> None:
        service_run.log(numbers_to_log(metrics), step=metrics["step"], commit=True)

    try:
        yield log
    except BaseException:
        service_run.finish(exit_code=1)  # wandb shows the run as failed
        raise
    service_run.finish()


def start(run: RunFolder, config: RunConfig, id: str) -> Any:
    """Return wandb's object for a run with this id, new or continued."""
    with environment_defaults(WANDB_CACHE_DIR=str(run.wandb.resolve()), WANDB_ERROR_REPORTING="false"):
        import wandb

        settings = wandb.Settings(
            console="off",
            disable_code=True,
            disable_git=True,
            quiet=True,
            x_disable_machine_info=True,
            x_disable_meta=True,
            x_disable_stats=True,
            x_save_requirements=False,
        )
        try:
            return wandb.init(
                project=os.environ.get("WANDB_PROJECT", PROJECT),
                dir=str(run.path.resolve()),
                id=id,
                name=run.path.resolve().name,
                config=config.to_dict(),
                resume="allow",
                settings=settings,
            )
        except wandb.Error as error:
            raise RuntimeError(
                f"wandb must take the numbers of the run but does not ({error}); log in, set "
                "WANDB_MODE=offline, or leave out --wandb"
            ) from error


def run_id(folder: Path, *, is_new: bool) -> str:
    """Return the id that `folder` holds, or store a new one there."""
    file = folder / ID_FILE
    if is_new or not file.is_file():
        make_folder(folder)
        with replace_file(file, "w") as stream:
            stream.write(uuid.uuid4().hex)
    return file.read_text(encoding="utf-8").strip()


@contextmanager
def environment_defaults(**values: str) -> Iterator[None]:
    """Set environment variables that are not set, for the length of the block."""
    missing = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            del os.environ[name]
