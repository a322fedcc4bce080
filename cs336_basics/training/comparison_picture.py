"""The loss curves of several runs in one picture: against steps, tokens and time."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cs336_basics.files.atomic import replace_file
from cs336_basics.training.comparison import ComparedRun, doubts
from cs336_basics.training.smoothing import moving_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
SMOOTHED_SHARE = 0.01  # of the steps of the longest run, on either side
TIME_UNITS = (("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0))


class IncomparableRunsWarning(UserWarning):
    """The losses of the runs do not mean the same."""


def draw_comparison(runs: Sequence[ComparedRun], path: Path) -> None:
    """Draw all runs to a PNG, SVG or PDF file, as the name of `path` says.

    An `IncomparableRunsWarning` says which losses do not compare; the picture says so too.
    """
    if path.suffix.lower() not in FORMATS:
        raise ValueError(
            f"a picture's name must end in {', '.join(FORMATS)} but is {path.name}; take one of them"
        )
    for doubt in doubts(runs):
        warnings.warn(doubt, IncomparableRunsWarning, stacklevel=2)
    figure = comparison_figure(runs)
    with replace_file(path) as file:
        figure.savefig(file, format=path.suffix.lower()[1:], dpi=110)


def comparison_figure(runs: Sequence[ComparedRun]) -> "Figure":
    """Return three panels with a smoothed training curve and the validation losses of each run."""
    from matplotlib.figure import Figure  # not pyplot: no window system, no global state

    figure = Figure(figsize=(15, 5.5), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    unit, seconds_of_unit = time_unit(runs)
    scales = (
        ("step", "steps", 1.0),
        ("tokens", "tokens", 1.0),
        ("seconds", f"time in {unit}", seconds_of_unit),
    )
    for panel, (key, label, scale) in zip(panels, scales, strict=True):
        draw_panel(panel, runs, key=key, scale=scale)
        panel.set_xlabel(label)
    panels[0].set_ylabel("loss in nats per token")
    figure.legend(*legend(runs), loc="outside lower center", ncols=min(4, len(runs) + 2))
    if sentences := doubts(runs):
        figure.suptitle("; ".join(sentences), color="tab:red")
    return figure


def draw_panel(panel: "Axes", runs: Sequence[ComparedRun], *, key: str, scale: float) -> None:
    """Draw the curves of all runs against the metric `key`, divided by `scale`."""
    half_width = round(SMOOTHED_SHARE * max(len(run.metrics) for run in runs))
    for run, color in zip(runs, colors(len(runs)), strict=True):
        places = [line[key] / scale for line in run.metrics]
        losses = moving_mean([line["loss"] for line in run.metrics], half_width)
        panel.plot(places, losses, color=color, lw=1, alpha=0.7)
        validated = [line for line in run.metrics if line["validation_loss"] is not None]
        panel.plot(
            [line[key] / scale for line in validated],
            [line["validation_loss"] for line in validated],
            color=color,
            lw=1,
            ls="--",
            marker="o",
            markersize=3,
        )
    if key != "seconds":
        panel.xaxis.set_major_formatter("{x:,.0f}")
        panel.locator_params(axis="x", nbins=5)
    panel.grid(alpha=0.3)


def legend(runs: Sequence[ComparedRun]) -> tuple[list[Any], list[str]]:
    """Return handles and labels: a color for each run, and what the two kinds of lines are."""
    from matplotlib.lines import Line2D

    of_runs = [Line2D([], [], color=color, lw=3) for color in colors(len(runs))]
    of_kinds = [Line2D([], [], color="gray"), Line2D([], [], color="gray", ls="--", marker="o", markersize=3)]
    return of_runs + of_kinds, [run.label for run in runs] + ["training, smoothed", "validation"]


def colors(count: int) -> list[Any]:
    """Return a color for each run that tells it from the others."""
    from matplotlib import colormaps

    if count <= 10:
        return [colormaps["tab10"](index) for index in range(count)]
    return [colormaps["turbo"](index / (count - 1)) for index in range(count)]


def time_unit(runs: Sequence[ComparedRun]) -> tuple[str, float]:
    """Return the largest unit, with its seconds, of which the longest run takes two or more."""
    longest = max(run.metrics[-1]["seconds"] for run in runs)
    return next((unit for unit in TIME_UNITS if longest >= 2 * unit[1]), TIME_UNITS[-1])
