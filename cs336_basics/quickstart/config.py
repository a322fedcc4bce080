"""What can be chosen about the quickstart. Plain data, without torch: the command line reads it too."""

from dataclasses import dataclass
from pathlib import Path

MINUTES_OF_A_YEAR = 366 * 24 * 60


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
        if not 0 < self.minutes <= MINUTES_OF_A_YEAR:  # also true for NaN
            raise ValueError(f"minutes must be positive, and a year at most, but is {self.minutes}")
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps must be at least 1 but is {self.steps}")
