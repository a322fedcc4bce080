"""The memory estimate against the resident size of real processes that train.

The estimate counts tensors and, apart, the gaps of the heap in which glibc keeps them by default. Most tests
look at the tensors alone: they fix, at the value with which glibc starts, the size from which a block has
pages of its own. Others leave glibc as it is.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Literal

import pytest

from cs336_basics.accounting import Batch, estimate_memory
from cs336_basics.accounting.memory import in_float64
from cs336_basics.accounting.parts.build import LossForm
from cs336_basics.nn.config import AttentionForm, ModelConfig
from tests.integration.command import ONE_THREAD

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the memory as on Linux")

ROOT = Path(__file__).parents[2]
MEGABYTE = 1_000_000
OWN_PAGES = {"MALLOC_MMAP_THRESHOLD_": str(128 * 1024)}

THIN = {"vocab_size": 500, "context_length": 128, "d_model": 64, "num_layers": 2, "num_heads": 2}
QUICKSTART = {"vocab_size": 4096, "context_length": 128, "d_model": 192, "num_layers": 3, "num_heads": 3}
TINYSTORIES = {
    "vocab_size": 10_000,
    "context_length": 256,
    "d_model": 512,
    "d_ff": 1344,
    "num_layers": 4,
    "num_heads": 16,
}
SIZES = {"thin": (THIN, 128), "quickstart": (QUICKSTART, 32), "tinystories": (TINYSTORIES, 8)}
CHUNKED: tuple[AttentionForm, LossForm] = ("chunked", "chunked")
REFERENCE: tuple[AttentionForm, LossForm] = ("reference", "plain")


def estimated_and_measured(
    size: str,
    attention: AttentionForm,
    loss: LossForm,
    *,
    precision: Literal["fp32", "bf16", "fp64"] = "fp32",
    environment: dict[str, str] = OWN_PAGES,
) -> tuple[int, int]:
    """Return by how many bytes training grows, as the estimate has it and in a fresh process."""
    sizes, batch_size = SIZES[size]
    model = {**sizes, "attention": attention}
    settings = {"model": model, "batch_size": batch_size, "precision": precision, "loss": loss}
    result = subprocess.run(
        [sys.executable, "-m", "tests.integration.training_memory", json.dumps(settings)],
        cwd=ROOT, env={**ONE_THREAD, **environment}, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    batch = Batch(
        batch_size=batch_size,
        seq=sizes["context_length"],
        precision="bf16" if precision == "bf16" else "fp32",
    )
    estimate = estimate_memory(ModelConfig(**model), batch, loss=loss, evaluates=False)
    if precision == "fp64":
        estimate = in_float64(estimate)
    estimated = estimate.above_weights if environment == OWN_PAGES else estimate.resident_above_weights
    return estimated, json.loads(result.stdout)["growth"]


def check_within_15_percent(size, attention, loss, **options):
    estimated, measured = estimated_and_measured(size, attention, loss, **options)
    assert measured > 200 * MEGABYTE, "so small that other things than tensors decide"
    assert estimated == pytest.approx(measured, rel=0.15)


@pytest.mark.parametrize(
    "size",
    ["thin", *(pytest.param(size, marks=pytest.mark.endurance) for size in ("quickstart", "tinystories"))],
)
def test_estimate_is_within_15_percent_of_the_measured_growth(size):
    check_within_15_percent(size, *CHUNKED)


@pytest.mark.endurance
@pytest.mark.parametrize("size", SIZES)
def test_estimate_is_within_15_percent_with_all_scores_and_logits(size):
    check_within_15_percent(size, *REFERENCE)


@pytest.mark.endurance
@pytest.mark.parametrize("size", SIZES)
def test_estimate_is_within_15_percent_under_autocast(size):
    check_within_15_percent(size, *CHUNKED, precision="bf16")


@pytest.mark.endurance
def test_estimate_is_within_15_percent_in_float64():
    check_within_15_percent("thin", *CHUNKED, precision="fp64")


@pytest.mark.endurance
@pytest.mark.skipif("MALLOC_MMAP_THRESHOLD_" in os.environ, reason="asks for the allocator's defaults")
@pytest.mark.parametrize("size", SIZES)
def test_with_the_gaps_of_the_heap_it_is_within_15_percent_of_what_glibc_takes_by_default(size):
    both = [estimated_and_measured(size, *CHUNKED, environment={}) for _ in range(3)]
    estimates, measured = zip(*both, strict=True)
    assert estimates[0] == pytest.approx(median(measured), rel=0.15)  # the heap differs from run to run
