"""The progress bar of training: steps, loss, learning rate, tokens a second, time left."""

from tqdm import tqdm

from cs336_basics.training.config import RunConfig
from cs336_basics.training.metrics import Metrics


def progress_bar(steps_taken: int, config: RunConfig, enabled: bool) -> tqdm:
    """Return a bar over all steps that begins after those already taken."""
    return tqdm(
        total=config.training.steps,
        initial=steps_taken,
        disable=not enabled,
        desc="training",
        unit="step",
        dynamic_ncols=True,
    )


def show(bar: tqdm, metrics: Metrics, config: RunConfig) -> None:
    """Move the bar by one step; a validation loss gets a line of its own above it."""
    steps_per_second = bar.format_dict["rate"] or 0.0
    bar.set_postfix_str(
        f"loss {metrics['loss']:.3f}, lr {metrics['learning_rate']:.2e}, "
        f"{steps_per_second * config.tokens_per_step:,.0f} tokens/s",
        refresh=False,
    )
    bar.update()
    validation_loss = metrics["validation_loss"]
    if validation_loss is not None and not bar.disable:
        bar.write(f"step {bar.n}: validation loss {validation_loss:.3f}")
