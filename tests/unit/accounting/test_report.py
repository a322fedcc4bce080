from dataclasses import replace

import pytest

from cs336_basics.accounting import (
    MODELS,
    Batch,
    count_parameters,
    estimate_memory,
    largest_batch,
    optimizer_cost,
)
from cs336_basics.accounting.engines import engine_of
from cs336_basics.accounting.question import Question
from cs336_basics.accounting.readable import with_unit
from cs336_basics.accounting.report import report
from tests.unit.accounting.models import ODD

XL = Question(model=MODELS["gpt2-xl"], batch=Batch(seq=1024))


def test_report_of_gpt2_xl_has_the_numbers_of_the_course():
    text = report(XL)
    assert text.startswith("1,640,452,800 parameters, 6.56 GB in float32\n")
    for row in (
        ("layers.*.ffn", "987,955,200", "60.2%"),
        ("feed-forward: gate (w1)", "48", "1,024", "1,600", "4,288", "674 G", "19.2%"),
        ("forward", "3.52 T", "3.43 G"),
        ("forward and backward", "10.6 T", "10.3 G"),
        ("adamw, 13 for each parameter", "21.3 G"),
        ("400,000 steps", "4.74 hours"),
    ):
        assert any(line.split() == " ".join(row).split() for line in text.splitlines()), row
    assert "80.0 GB hold 7 sequences at once" in text
    assert "16.4 GB x batch + 26.2 GB, so 3)" in text


def test_report_counts_what_another_sequence_adds_to_parts_of_a_batch():
    question = Question(model=ODD, batch=Batch(batch_size=6, seq=5), accumulation_steps=3, recompute=True)
    text = report(question)
    assert "batch 6 of 5 tokens, fp32, reference attention, chunked loss, in 3 parts" in text
    assert "blocks computed again" in text
    sizes = [
        estimate_memory(ODD, Batch(batch_size=size, seq=5), accumulation_steps=3, recompute=True).peak
        for size in (6, 9)
    ]
    added = f"what another sequence in each part adds to it {with_unit(sizes[1] - sizes[0], 'B')}"
    assert added.split() in [line.split() for line in text.splitlines()]


def test_report_lists_the_products_of_muon_with_their_time():
    question = Question(model=MODELS["tinystories"], batch=Batch(seq=256), optimizer="muon")
    text = report(question)
    assert "Matrix products of muon" in text
    flops = optimizer_cost(question.model, optimizer="muon").flops
    each = round(flops / count_parameters(question.model))
    row = f"muon, {each:,} for each parameter {with_unit(flops, '')}"
    assert row.split() in [line.split() for line in text.splitlines()]
    assert "Matrix products of adamw" not in report(replace(question, optimizer="adamw"))
    assert text.splitlines()[-2:] != report(replace(question, optimizer="adamw")).splitlines()[-2:]


def test_report_fills_the_memory_with_what_is_asked_for():
    batch = Batch(seq=5, precision="bf16")
    question = Question(
        model=ODD, batch=batch, optimizer="sgd", loss="plain", recompute=True, memory_bytes=1e6
    )
    fitting = largest_batch(ODD, batch, 1e6, optimizer="sgd", loss="plain", recompute=True)
    assert f"1.00 MB hold {fitting} sequences at once" in report(question)
    assert fitting != largest_batch(ODD, batch, 1e6)
    assert report(question) != report(replace(question, recompute=False))


def test_report_of_several_processes():
    batch = Batch(batch_size=6, seq=5)
    question = Question(model=ODD, batch=batch, parallel="fsdp", num_processes=3, memory_bytes=1e6)
    estimate = estimate_memory(ODD, batch, engine=engine_of("fsdp", 3))
    text = report(question)
    assert "\n  of one of 3 with fsdp\n" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["weights", *with_unit(estimate.weights, "B").split()] in rows
    for name, size in (
        ("whole weights, and what is on its way", estimate.gathered),
        ("when a run continues, at its start", estimate.start),
    ):
        assert rows.count(f"{name} {with_unit(size, 'B')}".split()) == 1
    fitting = largest_batch(ODD, batch, 1e6, engine=engine_of("fsdp", 3))
    assert f"1.00 MB hold {fitting} sequences at once" in text
    assert fitting > largest_batch(ODD, batch, 1e6)
    assert "so " not in text
    of_ddp = report(replace(question, parallel=None))
    assert "of one of 3 with ddp" in of_ddp
    assert "whole" not in of_ddp


def test_fsdp_with_muon_cannot_be():
    with pytest.raises(ValueError, match="needs whole matrices; take adamw, or ddp"):
        replace(XL, parallel="fsdp", num_processes=2, optimizer="muon")


def test_report_fills_the_memory_with_one_part_of_the_batch():
    batch = Batch(batch_size=8, seq=5)
    question = Question(model=ODD, batch=batch, accumulation_steps=8, memory_bytes=1e6)
    fitting = largest_batch(ODD, batch, 1e6, accumulation_steps=8)
    assert f"1.00 MB hold {fitting} sequences at once" in report(question)
    part = estimate_memory(ODD, replace(batch, batch_size=8 * fitting), accumulation_steps=8)
    larger = estimate_memory(ODD, replace(batch, batch_size=8 * (fitting + 1)), accumulation_steps=8)
    assert part.peak <= 1e6 < larger.peak
