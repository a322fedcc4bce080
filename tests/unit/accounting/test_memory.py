"""The estimate against what PyTorch asks of its allocator; the resident size is measured in integration."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cs336_basics.accounting import Batch, estimate_memory, largest_batch
from cs336_basics.accounting.batch import Precision
from cs336_basics.accounting.largest_batch import largest_that_fits
from cs336_basics.accounting.parts.build import LossForm
from cs336_basics.nn.config import AttentionForm, ModelConfig
from tests.unit.accounting.models import ODD
from tests.unit.accounting.training_tensors import peak_of_evaluation, peaks_of_second_step

pytestmark = pytest.mark.without_type_checks

# In each of them something else decides about the peak.
MODELS_AND_BATCHES = {
    "activations": (
        ModelConfig(vocab_size=503, context_length=127, d_model=64, num_layers=2, num_heads=4, d_ff=173),
        5,
    ),
    "weights": (
        ModelConfig(vocab_size=251, context_length=31, d_model=128, num_layers=3, num_heads=2, d_ff=347),
        2,
    ),
    "logits": (
        ModelConfig(vocab_size=4001, context_length=61, d_model=128, num_layers=1, num_heads=2, d_ff=83),
        21,  # more than two chunks of the loss
    ),
    "scores": (
        ModelConfig(vocab_size=101, context_length=601, d_model=32, num_layers=1, num_heads=2, d_ff=83),
        3,
    ),
}


def check(
    name: str,
    attention: AttentionForm,
    loss: LossForm,
    precision: Precision = "fp32",
    *,
    choices: dict[str, Any] | None = None,
    **options: Any,
) -> None:
    """Hold each phase within 6% of what is measured, but an estimate may exceed what is not the peak."""
    config, batch_size = MODELS_AND_BATCHES[name]
    config = replace(config, attention=attention, **(choices or {}))
    seq = config.context_length
    measured = peaks_of_second_step(config, batch_size, seq, loss_form=loss, precision=precision, **options)
    options = {"optimizer" if key == "optimizer_name" else key: value for key, value in options.items()}
    batch = Batch(batch_size=batch_size, seq=seq, precision=precision)
    estimate = estimate_memory(config, batch, loss=loss, evaluates=False, **options)
    assert measured.keys() == estimate.phases.keys()
    assert estimate.above_weights == pytest.approx(max(measured.values()), rel=0.06)
    for phase, size in measured.items():
        assert estimate.phases[phase] - estimate.weights > 0.94 * size


MODELS_AND_BATCHES |= {
    f"{name}, grouped": (replace(config, num_heads=4, num_kv_heads=2, d_head=24), batch_size)
    for name, (config, batch_size) in MODELS_AND_BATCHES.items()
    if name in ("activations", "scores")
}


@pytest.mark.parametrize("name", MODELS_AND_BATCHES)
@pytest.mark.parametrize(("attention", "loss"), [("chunked", "chunked"), ("reference", "plain")])
def test_peak_of_each_phase(name, attention, loss):
    check(name, attention, loss)


@pytest.mark.parametrize("name", MODELS_AND_BATCHES)
@pytest.mark.parametrize(("attention", "loss"), [("chunked", "chunked"), ("reference", "plain")])
def test_peak_of_each_phase_under_autocast(name, attention, loss):
    check(name, attention, loss, "bf16")


@pytest.mark.parametrize("name", ["activations", "scores"])
def test_peak_with_pytorchs_attention(name):
    check(name, "sdpa", "chunked")


@pytest.mark.parametrize("name", MODELS_AND_BATCHES)
def test_peak_with_checkpointed_blocks(name):
    check(name, "chunked", "chunked", recompute=True)


def test_peak_with_checkpointed_blocks_and_all_scores():
    check("scores", "reference", "plain", recompute=True)


@pytest.mark.parametrize(("name", "parts"), [("activations", 5), ("weights", 2), ("logits", 7)])
def test_peak_with_accumulation(name, parts):
    check(name, "chunked", "chunked", accumulation_steps=parts)


def test_peak_with_accumulation_under_autocast():
    check("logits", "chunked", "chunked", "bf16", accumulation_steps=7)


@pytest.mark.parametrize("name", ["activations", "weights"])
def test_peak_with_the_plain_optimizer(name):
    check(name, "chunked", "chunked", optimizer_name="sgd")


@pytest.mark.parametrize("choices", [{}, {"ffn": "silu", "d_ff": 499}], ids=["tall", "square"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_peak_with_muon(precision, choices):
    check("weights", "chunked", "chunked", precision, choices=choices, optimizer_name="muon")


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("activations", {"norm": "post"}),
        ("activations", {"norm": "none"}),
        ("scores", {"position": "none"}),
        ("activations", {"ffn": "silu", "d_ff": 1009}),
        ("activations", {"ffn": "relu2", "d_ff": 1009}),
        ("scores", {"qk_norm": True}),
        ("logits", {"tie_embeddings": True}),
        ("weights", {"tie_embeddings": True, "vocab_size": 4001, "context_length": 7}),
        ("logits", {"logit_softcap": 5.0}),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("attention", "loss", "precision"),
    [("chunked", "chunked", "fp32"), ("chunked", "chunked", "bf16"), ("reference", "plain", "fp32")],
)
def test_peak_of_each_phase_of_a_variant(name, choices, attention, loss, precision):
    check(name, attention, loss, precision, choices=choices)


def test_peak_with_a_tied_head_and_accumulation():
    check("logits", "chunked", "chunked", choices={"tie_embeddings": True}, accumulation_steps=7)


@pytest.mark.parametrize("cap", [None, 5.0])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_peak_of_an_evaluation(precision, cap):
    config, batch_size = MODELS_AND_BATCHES["logits"]
    config = replace(config, logit_softcap=cap)
    batch = Batch(batch_size=batch_size, seq=config.context_length, precision=precision)
    estimate = estimate_memory(config, batch)
    above = estimate.phases["evaluation"] - estimate.weights - estimate.optimizer_state
    assert above == pytest.approx(peak_of_evaluation(config, batch_size, precision=precision), rel=0.06)
    assert cap is not None or estimate.peak_phase == "evaluation"
    assert "evaluation" not in estimate_memory(config, batch, evaluates=False).phases


def test_parts_of_the_estimate():
    estimate = estimate_memory(ODD, Batch(batch_size=3, seq=5))
    assert estimate.gradients == estimate.weights
    assert estimate.optimizer_state == 2 * estimate.weights
    assert estimate_memory(ODD, Batch(seq=5), optimizer="sgd").optimizer_state == 0
    with_muon = estimate_memory(ODD, Batch(seq=5), optimizer="muon")
    in_blocks = 4 * 3 * (4 * 28 * 28 + 3 * 28 * 13)
    assert with_muon.optimizer_state == 2 * with_muon.weights - in_blocks
    assert estimate.peak == max(estimate.phases.values()) == estimate.phases[estimate.peak_phase]


def test_accumulation_must_divide_the_batch():
    with pytest.raises(ValueError, match="2 does not divide 3"):
        estimate_memory(ODD, Batch(batch_size=3, seq=5), accumulation_steps=2)
    with pytest.raises(ValueError, match="must divide"):
        estimate_memory(ODD, Batch(batch_size=3, seq=5), accumulation_steps=0)


@given(size=st.integers(1, 70), spare=st.floats(0, 1, exclude_max=True))
@settings(max_examples=5, deadline=None)
def test_the_largest_batch_fits_and_one_more_does_not(size, spare):
    def peak(batch_size: int) -> int:
        return estimate_memory(ODD, Batch(batch_size=batch_size, seq=5)).peak

    memory = peak(size) + int(spare * (peak(size + 1) - peak(size)))
    largest = largest_batch(ODD, Batch(seq=5), memory)
    assert peak(largest) <= memory < peak(largest + 1)


@given(st.integers(0, 1000))
def test_the_largest_number_that_fits(limit):
    assert largest_that_fits(lambda number: number <= limit) == limit


def test_no_batch_fits_into_less_than_the_weights():
    assert largest_batch(ODD, Batch(seq=5), 1000) == 0
