import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from cs336_basics.experiments.runs.jobs import do_runs
from cs336_basics.experiments.runs.one_run import do_run, read_run_result
from cs336_basics.experiments.runs.plan import PlannedRun, settled_hardware
from cs336_basics.experiments.runs.result import RunResult, thinned_curve
from cs336_basics.experiments.runs.results_file import HEADER, collect_results, read_results
from cs336_basics.experiments.runs.run import prepare, run_experiment
from cs336_basics.experiments.runs.text import own_text
from cs336_basics.experiments.runs.token_sets import own_tokens
from cs336_basics.files.atomic import make_folder
from cs336_basics.tokenization import Tokenizer
from cs336_basics.training.hold import hold, is_in_use
from cs336_basics.training.metrics import read_metrics
from cs336_basics.training.scoring import num_bytes_of
from tests.unit.experiments.micro import micro_experiment, micro_plans, micro_text

pytestmark = pytest.mark.without_type_checks


def states(outcomes):
    return {outcome.name: outcome.state for outcome in outcomes}


def result_of(plan: PlannedRun) -> RunResult:
    outcome = do_run(plan)
    assert outcome.state == "done"
    assert outcome.result is not None
    return outcome.result


def number(value: float | None) -> float:
    assert value is not None
    return value


def test_run_that_is_done_is_kept_and_a_diverged_one_is_a_result(tmp_path):
    plans = micro_plans(tmp_path)
    assert set(states(do_runs(plans)).values()) == {"done"}
    weights = plans[0].folder / "checkpoints" / "latest"
    written = weights.stat().st_mtime_ns
    good, diverged = (read_run_result(plans[index].folder) for index in (0, 3))
    assert good is not None
    assert diverged is not None
    assert set(states(do_runs(plans)).values()) == {"kept"}
    assert weights.stat().st_mtime_ns == written
    assert good.diverged is None
    assert 5.0 < number(good.validation_loss) < math.log(270)
    assert good.changes == {"optimizer.learning_rate": 0.01}
    assert "not finite at step" in str(diverged.diverged)
    assert diverged.validation_loss is None
    assert diverged.steps < 12


@pytest.mark.endurance
def test_seeds_differ_in_weights_and_are_in_the_configuration(tmp_path):
    plans = micro_plans(tmp_path)
    assert [plan.config.training.seed for plan in plans] == [0, 0, 1, 1]
    assert [plan.name for plan in plans[::2]] == ["learning_rate=0.01-seed0", "learning_rate=0.01-seed1"]
    losses = [result_of(plan).validation_loss for plan in plans[::2]]
    assert losses[0] != losses[1]


def test_interrupted_run_continues_and_ends_as_if_it_had_not_been(tmp_path):
    (tmp_path / "other").mkdir()
    plan, uninterrupted = micro_plans(tmp_path)[0], micro_plans(tmp_path / "other")[0]
    stopped = do_run(plan, should_stop=lambda: len(read_metrics(plan.run.metrics)) == 7)
    assert (stopped.state, read_run_result(plan.folder)) == ("stopped", None)
    assert read_metrics(plan.run.metrics)[-1]["step"] == 7
    continued, whole = result_of(plan), result_of(uninterrupted)
    assert continued.validation_loss == whole.validation_loss
    assert continued.curve["loss"] == whole.curve["loss"]


def test_run_stopped_in_the_evaluation_after_its_first_step_continues(tmp_path):
    plan = micro_plans(tmp_path, text=MANY_STEPS.replace("1000000", "1"))[0]
    stopped = do_run(plan, should_stop=lambda: True)
    assert (stopped.state, read_metrics(plan.run.metrics)) == ("stopped", [])
    assert result_of(plan).curve["step"] == [1]


def test_bits_per_byte_are_those_of_the_validation_text(tmp_path):
    plan = micro_plans(tmp_path)[0]
    result = result_of(plan)
    text, tokens = tmp_path / "out/data/validation.txt", result.data["validation"]["num_tokens"]
    expected = number(result.validation_loss) * tokens / math.log(2) / text.stat().st_size
    assert result.bits_per_byte == pytest.approx(expected, rel=1e-12)
    ids = np.load(str(plan.token_set.tokens.validation))
    assert num_bytes_of(ids, Tokenizer.from_folder(plan.token_set.tokenizer)) == text.stat().st_size
    whole = (tmp_path / "out/data/train.txt").read_bytes() + text.read_bytes()
    assert whole == (tmp_path / "text.txt").read_bytes()


def test_loss_that_ends_above_its_beginning_is_divergence(tmp_path):
    more = "optimizer = { warmup_steps = 0, learning_rate = 3.0, min_learning_rate = 3.0 }\n"
    text = 'title = "T"\nquestion = "Q?"\nmodel = { d_model = 8, num_layers = 1, context_length = 7 }\n'
    text += 'training = { steps = 12, batch_size = 3, device = "cpu", precision = "fp32" }\n'
    result = result_of(micro_plans(tmp_path, more, text=text)[0])
    assert result.diverged == "the training loss ended above its beginning"
    assert number(result.training_loss) > number(result.first_loss)
    assert result.validation_loss is not None


def test_run_of_another_process_is_passed_over_and_said(tmp_path):
    experiment = micro_experiment(tmp_path)
    plan = prepare(experiment, tmp_path / "out", data=(micro_text(tmp_path),), progress=False)[0]
    plan.run.create(job="experiment")
    said = []
    assert not is_in_use(plan.run)
    with hold(plan.run):
        assert is_in_use(plan.run)
        run_experiment(experiment, tmp_path / "out", data=(tmp_path / "text.txt",), say=said.append)
    assert "1/4 learning_rate=0.01-seed0: passed over, because another process is at work on it" in said
    results = read_results(tmp_path / "out/micro/results.json")
    assert results.missing == ["learning_rate=0.01-seed0"]
    assert len(results.runs) == 3


def test_results_collected_by_several_at_once_are_whole(tmp_path):
    experiment, plans = micro_experiment(tmp_path), micro_plans(tmp_path)
    make_folder(tmp_path / "out/micro")
    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(collect_results, experiment, plans, tmp_path / "out/micro") for _ in range(20)]
    assert [each.result() for each in done] == [None] * 20
    assert len(read_results(tmp_path / "out/micro/results.json").missing) == 4


@pytest.mark.parametrize("content", ['{"config": {}}', '{"result": [1]}', '{"result": {"variant": "a"}}'])
def test_result_file_of_another_shape_is_named(tmp_path, content):
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(ValueError, match=r"result\.json must hold the result of a run"):
        read_run_result(tmp_path)


@pytest.mark.parametrize("runs", ["3", "[3]", '[{"a": 3}]'])
def test_results_file_of_another_shape_is_named(tmp_path, runs):
    header = "".join(f'"{name}": null, ' for name in HEADER)
    (tmp_path / "results.json").write_text(f'{{{header}"runs": {runs}}}')
    with pytest.raises(ValueError, match=r"results\.json must hold"):
        read_results(tmp_path / "results.json")


def test_changed_experiment_and_changed_text_are_refused(tmp_path):
    plan = micro_plans(tmp_path)[0]
    do_run(plan)
    changed = replace(plan, config=replace(plan.config, training=replace(plan.config.training, steps=13)))
    with pytest.raises(
        ValueError, match=r"config.training.steps: 12 there, 13 given.*choose another --output"
    ):
        list(do_runs([changed]))
    (tmp_path / "more.txt").write_text("Some other text. " * 99, encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"their own \(text: text.txt, SHA.* other data \(text: more.txt, SHA"
    ):
        prepare(micro_experiment(tmp_path), tmp_path / "out", data=(tmp_path / "more.txt",), progress=False)


def two_texts(folder: Path, first: str, second: str) -> tuple[Path, Path]:
    paths = folder / first, folder / second
    for number, path in enumerate(paths):
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"Text number {number}, and so on. " * 50, encoding="utf-8")
    return paths


@pytest.mark.parametrize("names", [("a.txt", "b.txt"), ("a/same.txt", "b/same.txt")])
def test_texts_in_each_others_role_are_another_source(tmp_path, names):
    train, validation = two_texts(tmp_path, *names)
    own_text((train, validation), tmp_path)
    assert own_text((train, validation), tmp_path).validation == validation
    with pytest.raises(ValueError, match=r"train text: .*; validation text: .* but other data"):
        own_text((validation, train), tmp_path)


def test_token_file_with_another_tokenizer_is_another_source(tmp_path):
    np.save(tmp_path / "ids.npy", np.arange(256, dtype=np.uint16))
    for name in ("a", "b"):
        Tokenizer({byte: bytes([byte]) for byte in range(256)}, [], [name * 3]).save_to_folder(
            tmp_path / name
        )
    own_tokens(tmp_path / "a", (tmp_path / "ids.npy",), tmp_path)
    own_tokens(tmp_path / "a", (tmp_path / "ids.npy",), tmp_path)
    with pytest.raises(ValueError, match=r"tokenizer's vocab.json: SHA.* but other data"):
        own_tokens(tmp_path / "b", (tmp_path / "ids.npy",), tmp_path)


def test_source_as_an_earlier_version_wrote_it_is_refused_in_a_sentence(tmp_path):
    train, validation = two_texts(tmp_path, "a.txt", "b.txt")
    (tmp_path / "source.json").write_text('{"a.txt": {"bytes": 1, "sha256": "12345678ff"}, "b.txt": 3}')
    with pytest.raises(ValueError, match=r"\(a.txt: SHA-256 12345678; b.txt: 3\) but other data"):
        own_text((train, validation), tmp_path)


@pytest.mark.parametrize(
    ("content", "message"), [(b"caf\xe9 " * 99, "must be UTF-8"), (b"one", "a place to")]
)
def test_refused_text_leaves_the_folder_to_the_next_one(tmp_path, content, message):
    (tmp_path / "bad.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        own_text((tmp_path / "bad.txt",), tmp_path)
    good, _ = two_texts(tmp_path, "a.txt", "b.txt")
    held_out = own_text((good,), tmp_path)
    assert held_out.train.read_bytes() + held_out.validation.read_bytes() == good.read_bytes()


def test_text_where_its_own_part_would_go_is_refused(tmp_path):
    text, _ = two_texts(tmp_path, "train.txt", "b.txt")
    before = text.read_bytes()
    with pytest.raises(ValueError, match="must not be the file that is read"):
        own_text((text,), tmp_path)
    assert text.read_bytes() == before
    assert not (tmp_path / "source.json").exists()


def test_refused_tokens_leave_the_folder_to_the_next_ones(tmp_path):
    Tokenizer({byte: bytes([byte]) for byte in range(256)}, []).save_to_folder(tmp_path / "tokenizer")
    np.save(tmp_path / "bad.npy", np.arange(300, dtype=np.uint16))
    with pytest.raises(ValueError, match=r"0..255 .* holds 299"):
        own_tokens(tmp_path / "tokenizer", (tmp_path / "bad.npy",), tmp_path)
    np.save(tmp_path / "good.npy", np.arange(200, dtype=np.uint16))
    assert own_tokens(tmp_path / "tokenizer", (tmp_path / "good.npy",), tmp_path).label == "good.npy"


@pytest.mark.endurance
def test_data_can_be_a_tokenizer_and_token_files(tmp_path):
    token_set = micro_plans(tmp_path)[0].token_set
    assert token_set.tokens.validation is not None
    data = (token_set.tokenizer, token_set.tokens.train[0], token_set.tokens.validation)
    plans = prepare(micro_experiment(tmp_path), tmp_path / "tokens", data=data, progress=False)
    assert plans[0].token_set.tokens == token_set.tokens
    assert result_of(plans[0]).source == "train.npy and validation.npy"
    with pytest.raises(ValueError, match="compares vocabularies, so it needs a text"):
        prepare(
            micro_experiment(tmp_path, "[vary.model]\nvocab_size = [260, 270]", name="sizes"),
            tmp_path / "tokens",
            data=data,
            progress=False,
        )


@pytest.mark.parametrize("num_paths", [1, 4])
def test_data_of_another_kind_is_refused(tmp_path, num_paths):
    with pytest.raises(ValueError, match="--data takes a text"):
        prepare(micro_experiment(tmp_path), tmp_path / "out", data=(tmp_path,) * num_paths, progress=False)


def test_beginning_of_the_text_is_all_that_a_run_sees(tmp_path):
    text = micro_text(tmp_path)
    experiment = replace(micro_experiment(tmp_path), train_tokens=8)
    plan = prepare(experiment, tmp_path / "out", data=(text,), progress=False)[0]
    result = result_of(plan)
    assert [part["num_tokens"] for part in result.data["train"]] == [8]
    assert number(result.training_loss) < number(result.first_loss)


def test_samples_are_written_for_every_point_of_the_grid(tmp_path):
    more = "[samples]\nprompts = ['The', 'A']\ntemperatures = [0, 1]\ntop_p = [0.5, 1]\nmax_new_tokens = 3"
    result = result_of(micro_plans(tmp_path, more)[0])
    points = {(sample["prompt"], sample["temperature"], sample["top_p"]) for sample in result.samples}
    assert len(points) == len(result.samples) == 8
    greedy = [sample["text"] for sample in result.samples if sample["temperature"] == 0]
    assert greedy[:2] == greedy[2:]


@pytest.mark.endurance
def test_results_of_an_experiment_are_in_one_file(tmp_path):
    experiment, said = micro_experiment(tmp_path), []
    run_experiment(experiment, tmp_path / "out", data=(micro_text(tmp_path),), say=said.append)
    results = read_results(tmp_path / "out/micro/results.json")
    assert (results.name, results.title, results.missing) == ("micro", "Micro", [])
    assert results.runs == [read_run_result(tmp_path / "out/micro" / name) for name in results.planned]
    assert said[0] == "micro, scale tiny: 4 runs on text.txt"
    assert len(said) == 5
    path = tmp_path / "out/micro/results.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "runs": [{**content["runs"][0], "loss": 3}]}))
    with pytest.raises(ValueError, match=r"results.json must hold .* 'loss' is missing or unknown"):
        read_results(path)
    path.write_text("{}")
    with pytest.raises(ValueError, match=r"results.json must hold the results .* has no 'base'"):
        read_results(path)


def test_precision_is_chosen_once_for_all_runs(tmp_path):
    (tmp_path / "hardware.json").write_text('{"device": "cpu", "precision": "bf16"}')
    assert settled_hardware(tmp_path) == {"device": "cpu", "precision": "bf16"}


def test_thinned_curve_holds_means_of_neighbouring_steps():
    metrics = [{"step": step, "seconds": step / 10, "loss": float(step)} for step in range(1, 8)]
    curve = thinned_curve(metrics, points=3)
    assert curve == {"step": [3, 6, 7], "seconds": [0.3, 0.6, 0.7], "loss": [2.0, 5.0, 7.0]}


@pytest.mark.endurance
def test_runs_at_once_stop_when_asked(tmp_path):
    plans = micro_plans(tmp_path, text=MANY_STEPS)
    asked = count()
    outcomes = list(do_runs(plans, jobs=2, should_stop=lambda: next(asked) > 30))
    assert 1 <= len(outcomes) <= 2
    assert {outcome.state for outcome in outcomes} == {"stopped"}
    assert any((plan.folder / "checkpoints" / "latest").is_file() for plan in plans)


MANY_STEPS = """\
title = "Many steps"
question = "When does it stop?"
seeds = [0, 1, 2, 3]
model = { vocab_size = 270, context_length = 7, d_model = 8, num_layers = 1, num_heads = 2 }
training = { steps = 1000000, batch_size = 3, device = "cpu", precision = "fp32" }
"""
