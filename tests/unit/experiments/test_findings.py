from dataclasses import replace

import pytest

from cs336_basics.experiments.report.comparison import (
    BITS_PER_BYTE,
    LOSS,
    TRAINING_LOSS,
    measure_of,
    summaries_of,
)
from cs336_basics.experiments.report.findings import findings
from cs336_basics.experiments.report.tables import final_table, sample_tables
from cs336_basics.experiments.runs.text import DOCUMENTATION
from cs336_basics.training.hold import hold
from tests.unit.experiments.stored import DATA, rate_run, stored_results, stored_run, sweep
from tests.unit.training.small_run import run_folder


def test_sweep_tells_the_best_rate_and_the_first_that_diverges():
    assert findings(sweep()) == [
        "learning_rate=0.07 diverged in 1 of 2 runs: loss or gradient was not finite at step 3.",
        "The lowest mean validation loss is 4.2500 at optimizer.learning_rate = 0.02 (4.1250 to 4.3750 over "
        "2 seeds).",
        "The first diverging value above it is 0.07, 3.5 times the best.",
    ]


def test_variant_with_a_diverged_seed_has_no_mean():
    assert [summary.mean for summary in summaries_of(sweep())] == [4.6, 4.25, None]
    assert final_table(sweep()).rows[2][:4] == ["learning_rate=0.07", "0, 1", "diverged in 1 of 2", ""]


def test_best_value_at_the_edge_and_sweep_without_any_are_said():
    results = stored_results([rate_run(0.01, loss=4.0), rate_run(0.02, loss=4.5)])
    assert findings(results) == [
        "The lowest mean validation loss is 4.0000 at optimizer.learning_rate = 0.01 (one seed). It is at "
        "the edge of those tried."
    ]
    runs = [rate_run(rate, loss=None, diverged="why") for rate in (1.0, 2.0)]
    assert findings(stored_results(runs))[-1] == "No value ran without divergence in each of its runs."


def test_two_fields_give_the_best_of_the_second_for_each_of_the_first():
    def run(size, rate, loss):
        changes = {"training.batch_size": size, "training.steps": 9, "optimizer.learning_rate": rate}
        return stored_run(f"batch_size={size}_learning_rate={rate}", 0, loss, changes=changes)

    runs = [run(2, 0.1, 4.0), run(2, 0.2, 3.5), run(3, 0.1, 3.25), run(3, 0.2, 3.75)]
    said = findings(stored_results(runs))
    assert said[0].startswith("At training.batch_size = 2: The lowest mean validation loss is 3.5000 at")
    assert said[1].startswith("At training.batch_size = 3: The lowest mean validation loss is 3.2500 at")
    assert "optimizer.learning_rate = 0.1 (one seed)" in said[1]


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        (
            (4.75, 4.875),
            "none: 4.8125, that is 0.6875 nats per token above the baseline; the ranges of their seeds do "
            "not overlap.",
        ),
        (
            (4.0, 4.125),
            "none: 4.0625, that is 0.0625 nats per token below the baseline; the ranges of their seeds "
            "overlap.",
        ),
    ],
)
def test_cost_of_an_ablation_is_told_with_what_the_seeds_leave_in_doubt(losses, said):
    runs = [stored_run("pre", 0, 4.0), stored_run("pre", 1, 4.25)]
    runs += [stored_run("none", seed, loss) for seed, loss in enumerate(losses)]
    assert findings(stored_results(runs, baseline="pre")) == [
        "The baseline pre has a mean validation loss of 4.1250 (4.0000 to 4.2500 over 2 seeds).",
        said,
    ]


def test_cost_with_one_seed_leaves_the_spread_open():
    results = stored_results([stored_run("pre", 0, 4.0), stored_run("none", 0, 4.5)], baseline="pre")
    assert "0.5000 nats per token above the baseline (one run each, so the spread" in findings(results)[1]


@pytest.mark.parametrize("part", ["train", "validation", "tokenizer"])
def test_losses_of_different_data_are_not_compared_but_bits_per_byte_are(part):
    other = {**DATA, part: "d" * 64}
    runs = [
        stored_run("a", 0, 4.0, bits_per_byte=2.5),
        stored_run("b", 0, 5.0, bits_per_byte=2.25, data=other),
    ]
    results = stored_results(runs, baseline="a")
    assert measure_of(results) is BITS_PER_BYTE
    said = findings(results)
    assert "losses per token cannot be compared; bits per byte of text can" in said[0]
    assert "0.2500 bits per byte of text below the baseline" in said[2]
    assert "4.0" not in " ".join(said)
    table = final_table(results)
    assert table.header == ["variant", "seeds", "bits per byte", "seconds"]
    assert table.rows == [["a", "0", "2.5000", "2.0"], ["b", "0", "2.2500", "2.0"]]


def test_equal_data_are_compared_by_loss_and_a_text_learned_by_heart_by_its_training_loss():
    results = stored_results([stored_run("a", loss=4.0, training_loss=0.125)])
    assert measure_of(results) is LOSS
    by_heart = replace(results, train_tokens=8)
    assert measure_of(by_heart) is TRAINING_LOSS
    assert findings(by_heart) == [
        "a, seed 0: on 8 tokens the training loss went from 7.0000 to 0.1250 in 12 steps."
    ]


def test_runs_without_a_result_are_named_and_those_at_work(tmp_path):
    run = run_folder(tmp_path / "b-seed0")
    planned = ["a-seed0", "b-seed0", "c-seed0"]
    results = stored_results([stored_run("a")], planned=planned, folder=tmp_path)
    with hold(run):
        assert findings(results) == [
            "2 of 3 runs have no result yet and are not counted: b-seed0, c-seed0; at work now: b-seed0."
        ]
    assert "at work" not in findings(results)[0]
    assert len(findings(replace(results, runs=[]))) == 1


def test_recipe_on_another_text_is_labelled():
    results = stored_results([stored_run("a", source=DOCUMENTATION)], made_for="OpenWebText")
    assert "its losses say nothing about OpenWebText" in findings(results)[0]
    results = stored_results([stored_run("a", source="owt.txt")], made_for="OpenWebText")
    assert findings(results) == ["The recipe is made for OpenWebText and ran on owt.txt."]


def test_samples_stand_side_by_side():
    def samples(text):
        return [
            {"prompt": prompt, "temperature": 0.5, "top_p": top_p, "text": f"{text}{prompt}{top_p}"}
            for prompt in ("x", "y")
            for top_p in (0.5, 1.0)
        ]

    runs = [stored_run("a", samples=samples("A")), stored_run("b"), stored_run("c", samples=samples("C"))]
    first, second = sample_tables(stored_results(runs))
    assert first.header == ["temperature (prompt: 'x')", "top-p", "a", "c"]
    assert second.rows == [["0.5", "0.5", "Ay0.5", "Cy0.5"], ["0.5", "1", "Ay1.0", "Cy1.0"]]


def test_sweep_is_one_over_a_number_whatever_else_is_varied():
    def run(norm, rate, loss):
        changes = {"model.norm": norm, "optimizer.learning_rate": rate}
        return stored_run(f"norm={norm}_learning_rate={rate}", 0, loss, changes=changes)

    said = findings(stored_results([run("pre", 0.1, 4.0), run("pre", 0.2, 3.5), run("none", 0.1, 3.25)]))
    assert [sentence.partition(":")[0] for sentence in said] == [
        "At model.norm = pre",
        "At model.norm = none",
    ]
    rules = [stored_run(f"init={rule}", changes={"model.init": rule}) for rule in ("zeros", "ones")]
    assert findings(stored_results(rules)) == []
