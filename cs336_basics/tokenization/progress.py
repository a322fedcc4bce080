"""One way to show progress for everything in this folder that may take long."""

from typing import Any


def progress_bar(*, total: int, unit: str, description: str, shown: bool) -> Any:
    """Return a tqdm bar, to be used in a `with` block; bytes (unit "B") are shown as kB, MB and so on."""
    from tqdm import tqdm  # here, so that importing the tokenizer stays quick

    return tqdm(total=total, unit=unit, unit_scale=unit == "B", desc=description, disable=not shown)
