"""Which services a run is to be tracked by."""

from importlib.util import find_spec

from cs336_basics.training.tracking.tensorboard_log import tensorboard_log
from cs336_basics.training.tracking.tracker import Tracker
from cs336_basics.training.tracking.wandb_log import wandb_log


def chosen_trackers(*, tensorboard: bool, wandb: bool) -> list[Tracker]:
    """Return the trackers of what is chosen; a missing package is a `ModuleNotFoundError` already here."""
    trackers: list[Tracker] = []
    if tensorboard:
        require_package("tensorboard")
        trackers.append(tensorboard_log)
    if wandb:
        require_package("wandb")
        trackers.append(wandb_log)
    return trackers


def require_package(name: str) -> None:
    """Raise `ModuleNotFoundError` unless the package is there; the extra that brings it has its name."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:  # a folder of that name in the current one, which is no package
        raise ModuleNotFoundError(
            f"--{name} needs the package {name}, which is not there; install it, for example with "
            f"uv sync --extra {name}",
            name=name,
        )
