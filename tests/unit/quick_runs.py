"""Whole runs without what takes longer than their few steps and is looked at elsewhere.

Folders whose tests train import the fixture into their conftest.
"""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from cs336_basics.training import hardware, loop
from cs336_basics.training.metrics import read_metrics

PNG_BEGINNING = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="package", autouse=True)
def quick_runs() -> Iterator[None]:
    """Let runs end with the beginning of a picture, try precisions once, and wait for no disk."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loop, "draw_loss", draw_almost_nothing)
        patched.setattr(hardware, "bf16_is_faster", cache(hardware.bf16_is_faster))
        patched.setattr(os, "fsync", os.fstat)  # a descriptor that is none stays an error
        yield


def draw_almost_nothing(metrics_path: Path, picture_path: Path) -> None:
    """Read what `draw_loss` reads, and write where it writes."""
    assert read_metrics(metrics_path)
    picture_path.write_bytes(PNG_BEGINNING)
