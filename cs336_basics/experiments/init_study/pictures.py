"""The picture of a study: standard deviations along the depth of the models, a line for each rule."""

from typing import TYPE_CHECKING

from cs336_basics.experiments.document.png import png_of
from cs336_basics.experiments.init_study.case_result import CaseResult
from cs336_basics.experiments.init_study.signals import Signals
from cs336_basics.experiments.init_study.study_file import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 3.6, 2.4  # of a panel, in inches
SIGNALS = ("activations", "gradients")
NORM_NAMES = {"pre": "pre-norm", "none": "no norm"}


def draw_signals(study: Study, moment: str) -> bytes:
    """Return a PNG of the signals "before" or "after" training; each depth has a column."""
    from matplotlib.figure import Figure  # not pyplot: no window system, no global state

    depths = sorted({result.case.depth for result in study.results})
    norms = list(dict.fromkeys(result.case.norm for result in study.results))
    rows = [(norm, signal) for norm in norms for signal in SIGNALS]
    figure = Figure(figsize=(WIDTH * len(depths) + 1.6, HEIGHT * len(rows)), layout="constrained")
    panels = figure.subplots(len(rows), len(depths), squeeze=False)
    for (norm, signal), row in zip(rows, panels, strict=True):
        for depth, panel in zip(depths, row, strict=True):
            shown = [r for r in study.results if r.case.norm == norm and r.case.depth == depth]
            draw_panel(panel, shown, moment, signal)
            panel.set_title(f"{NORM_NAMES[norm]}, {depth} blocks", fontsize=9)
        row[0].set_ylabel(f"std of {signal}", fontsize=8)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=7)
    return png_of(figure)


def draw_panel(panel: "Axes", results: list[CaseResult], moment: str, signal: str) -> None:
    """Draw a line for each rule; where a number is zero or not finite there is none."""
    from matplotlib.ticker import MaxNLocator

    for index, result in enumerate(results):
        signals: Signals | None = getattr(result, moment)
        values = [] if signals is None else getattr(signals, signal)
        points = [(layer, value) for layer, value in enumerate(values) if value]
        style = {"color": f"C{index % 10}", "linestyle": "--" if index >= 10 else "-", "lw": 1.2}
        panel.plot(*zip(*points, strict=True) if points else ([], []), label=result.case.rule, **style)
    panel.set_yscale("log")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.tick_params(labelsize=7)
    panel.grid(alpha=0.3)
