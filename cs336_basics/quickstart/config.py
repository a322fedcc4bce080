"""What can be chosen about the quickstart. Plain data, without torch: the command line reads it too."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class QuickstartConfig:
    """How long to train, and where everything goes."""

    minutes: float = 3.0
    """The time for training; the number of steps follows from it."""
    steps: int | None = None
    """The number of steps, instead of a time."""
    run: Path = Path("runs/quickstart")
    """The run folder."""

    def __post_init__(self) -> None:
        if self.minutes <= 0:
            raise ValueError(f"minutes must be positive but is {self.minutes}")
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps must be at least 1 but is {self.steps}")
