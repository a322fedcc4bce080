"""The memory estimate against the resident size of real processes that train.

The estimate counts tensors. glibc adds what it keeps of freed memory, which depends on the sizes of all
tensors that came and went: by default it raises, up to 32 MiB, the size below which freed blocks stay in a
heap, whose gaps are resident too. So the tests within 15% fix that size at the value with which glibc starts;
another one measures what the defaults add.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cs336_basics.accounting import Batch, estimate_memory
from cs336_basics.accounting.batch import Precision
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
    precision: Precision = "fp32",
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
    batch = Batch(batch_size=batch_size, seq=sizes["context_length"], precision=precision)
    estimate = estimate_memory(ModelConfig(**model), batch, loss=loss, evaluates=False)
    return estimate.above_weights, json.loads(result.stdout)["growth"]


def check_within_15_percent(size, attention, loss, **options):
    estimated, measured = estimated_and_measured(size, attention, loss, **options)
    assert measured > 200 * MEGABYTE, "so small that other things than tensors decide"
    assert estimated == pytest.approx(measured, rel=0.15)


def test_estimate_is_within_15_percent_of_the_measured_growth():
    check_within_15_percent("thin", *CHUNKED)


@pytest.mark.endurance
@pytest.mark.parametrize("size", ["quickstart", "tinystories"])
def test_estimate_is_within_15_percent_for_larger_models(size):
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
@pytest.mark.skipif("MALLOC_MMAP_THRESHOLD_" in os.environ, reason="asks for the allocator's defaults")
@pytest.mark.parametrize("size", SIZES)
def test_the_allocators_defaults_add_up_to_three_quarters(size):
    estimated, measured = estimated_and_measured(size, *CHUNKED, environment={})
    assert 0.85 * estimated < measured < 1.75 * estimated
