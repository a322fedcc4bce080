"""The loss curves of a run as a picture."""

from pathlib import Path

from cs336_basics.files.atomic import replace_file
from cs336_basics.training.metrics import read_metrics


def draw_loss(metrics_path: Path, picture_path: Path) -> None:
    """Draw training and validation loss against steps and against time, side by side, as a PNG."""
    from matplotlib.figure import Figure  # not pyplot: no window system, no global state

    metrics = read_metrics(metrics_path)
    validated = [line for line in metrics if line["validation_loss"] is not None]
    figure = Figure(figsize=(10, 4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for panel, key, label in zip(panels, ("step", "seconds"), ("steps", "time in seconds"), strict=True):
        panel.plot(
            [line[key] for line in metrics], [line["loss"] for line in metrics], lw=0.6, label="training"
        )
        panel.plot(
            [line[key] for line in validated],
            [line["validation_loss"] for line in validated],
            marker="o",
            markersize=3,
            label="validation",
        )
        panel.set_xlabel(label)
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("loss in nats per token")
    panels[0].legend()
    with replace_file(picture_path) as file:
        figure.savefig(file, format="png", dpi=110)
