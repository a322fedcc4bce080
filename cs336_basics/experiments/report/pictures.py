"""The pictures of a report: curves of all runs, and final numbers of a sweep against what was varied."""

from typing import TYPE_CHECKING

from cs336_basics.experiments.document.png import png_of
from cs336_basics.experiments.report.comparison import TRAINING_LOSS, Measure, measure_of, summaries_of
from cs336_basics.experiments.report.findings import axes
from cs336_basics.experiments.runs.result import RunResult
from cs336_basics.experiments.runs.results_file import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARGIN = 0.05  # of the picture below the lowest loss and above the first one; divergence may leave it


def draw_curves(results: Results) -> bytes:
    """Return a PNG: the loss of each run against steps and time; seeds of a variant share a color."""
    from matplotlib.figure import Figure  # not pyplot: no window system, no global state

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    measure = measure_of(results)
    for index, summary in enumerate(summaries_of(results)):
        for position, run in enumerate(summary.runs):
            label = summary.name if position == 0 else None
            for panel, key in zip(panels, ("step", "seconds"), strict=True):
                draw_run(
                    panel, run, key, color=f"C{index % 10}", dashed=index >= 10, label=label, measure=measure
                )
    for panel, label in zip(panels, ("steps", "time in seconds"), strict=True):
        panel.set_xlabel(label)
        panel.grid(alpha=0.3)
    panels[0].set_ylabel(f"{measure.name}\n({measure.unit})")
    panels[0].set_ylim(*limits(results))
    panels[1].legend(fontsize=7, loc="upper right")
    return png_of(figure)


def draw_run(panel: "Axes", run: RunResult, key: str, *, color, dashed, label, measure) -> None:
    """Draw a curve, and a cross at the end of one that diverged."""
    curve = shown_curve(run, measure)
    losses = [loss * scale_of(run, measure) for loss in curve["loss"]]
    style = {"color": color, "linestyle": "--" if dashed else "-", "lw": 1.2}
    panel.plot(curve[key], losses, label=label, **style)
    if run.diverged is not None and losses:
        panel.plot(curve[key][-1:], losses[-1:], marker="x", color=color)


def scale_of(run: RunResult, measure: Measure) -> float:
    """Return what turns nats per token into the measure: bits per byte of the whole text for each nat."""
    if measure.field != "bits_per_byte" or run.bits_per_byte is None or run.validation_loss is None:
        return 1.0
    return run.bits_per_byte / run.validation_loss


def limits(results: Results) -> tuple[float, float]:
    """Return the ends of the axis of losses: all that lies between the lowest and the first of a run."""
    measure = measure_of(results)
    first = [run.first_loss * scale_of(run, measure) for run in results.runs if run.first_loss is not None]
    later = [
        loss * scale_of(run, measure) for run in results.runs for loss in shown_curve(run, measure)["loss"]
    ]
    if not first:
        return 0.0, 1.0
    highest, lowest = max(first), min(first + later)
    margin = MARGIN * (highest - lowest)
    return lowest - margin, highest + margin


def shown_curve(run: RunResult, measure: Measure) -> dict[str, list]:
    """Return the curve that tells of the measure."""
    return run.curve if measure is TRAINING_LOSS else run.validation_curve


def draw_sweep(results: Results) -> bytes | None:
    """Return a PNG: final numbers against the value varied, a dot for each seed; None if it is no number."""
    from matplotlib.figure import Figure

    summaries = summaries_of(results)
    fields = axes(summaries)
    if len(fields) not in (1, 2) or len(summaries) < 2:
        return None
    *outer, inner = fields
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    panel = figure.subplots()
    groups: dict[object, list] = {}
    for summary in summaries:
        groups.setdefault(tuple(summary.changes[field] for field in outer), []).append(summary)
    for index, (value, group) in enumerate(groups.items()):
        color = f"C{index % 10}"
        points = [(s.changes[inner], v) for s in group for v in s.values]
        means = [(s.changes[inner], s.mean) for s in group if s.mean is not None]
        panel.plot(*zip(*means, strict=True) if means else ([], []), color=color, label=name_of(outer, value))
        panel.plot(*zip(*points, strict=True) if points else ([], []), "o", markersize=4, color=color)
        for summary in group:
            if summary.num_diverged:
                panel.axvline(summary.changes[inner], color=color, linestyle=":", lw=1)
    panel.set_xscale("log")
    panel.set_xlabel(f"{inner} (dotted: diverged)")
    panel.set_ylabel(measure_of(results).name)
    panel.grid(alpha=0.3)
    if outer:
        panel.legend(fontsize=8)
    return png_of(figure)


def name_of(fields: list[str], values: object) -> str:
    """Return for example "batch_size = 8"."""
    assert isinstance(values, tuple)
    return ", ".join(f"{f.rpartition('.')[2]} = {v}" for f, v in zip(fields, values, strict=True))
