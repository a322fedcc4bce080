import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cs336_basics.checkpoint.run_checkpoint import load_run_weights, read_progress
from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.tokenization import Tokenizer
from cs336_basics.training.config import Precision
from cs336_basics.training.loop import train
from cs336_basics.training.metrics import read_metrics
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.scoring import score_validation, validation_tokens
from cs336_basics.training.start import prepare_run
from cs336_basics.training.state import new_model
from cs336_basics.training.token_data import TokenPaths
from cs336_basics.training.trained_run import open_run_tokenizer, open_trained_run
from cs336_basics.training.validation import validate_step
from tests.unit.tokenization.interchange.huggingface_files import content, write
from tests.unit.training.small_run import CONFIG, token_data, with_training

pytestmark = pytest.mark.without_type_checks


@pytest.fixture
def tokens(tmp_path) -> Path:
    data = token_data()
    for name, ids in (("train.npy", data.train.datasets[0]), ("validation.npy", data.validation)):
        np.save(tmp_path / name, ids)
    return tmp_path


def make(folder: Path, tokens: Path, config=CONFIG, **options: Any) -> tuple[RunFolder, TransformerLM]:
    run = RunFolder(folder)
    config, data = prepare_run(
        config,
        run,
        job="test",
        tokens=TokenPaths(train=(tokens / "train.npy",), validation=tokens / "validation.npy"),
        tokenizer=None,
        **options,
    )
    return run, train(config, data, run)


def test_a_fork_begins_with_the_weights_of_the_other_run_at_step_0(tokens, tmp_path):
    source, trained = make(tmp_path / "source", tokens)
    config = with_training(steps=4, seed=9, checkpoint_interval=1)
    stopping = {"learning_rate": 0.0, "min_learning_rate": 0.0}
    still = replace(config, optimizer=replace(config.optimizer, **stopping))
    fork, model = make(tmp_path / "fork", tokens, still, fork_from=source.path)
    torch.testing.assert_close(model.state_dict(), trained.state_dict(), rtol=0, atol=0)
    assert [line["step"] for line in read_metrics(fork.metrics)] == [1, 2, 3, 4]
    assert read_metrics(fork.metrics)[0]["loss"] < read_metrics(source.metrics)[0]["loss"]


def test_a_run_keeps_the_file_of_a_tokenizer_from_elsewhere(tokens, tmp_path):
    (tmp_path / "tokenizer").mkdir()
    written = write(content(), tmp_path / "tokenizer").read_bytes()
    run = RunFolder(tmp_path / "run")
    paths = TokenPaths(train=(tokens / "train.npy",), validation=tokens / "validation.npy")
    config, _ = prepare_run(CONFIG, run, job="test", tokens=paths, tokenizer=tmp_path / "tokenizer")
    assert config.model.vocab_size == 259
    assert [path.name for path in run.tokenizer.iterdir()] == ["tokenizer.json"]
    assert (run.tokenizer / "tokenizer.json").read_bytes() == written
    assert open_run_tokenizer(run).encode("abc<s>") == [257, 258]


def test_the_tokenizer_of_an_attempt_that_came_to_nothing_leaves_no_file(tokens, tmp_path):
    elsewhere, ours, run = tmp_path / "elsewhere", tmp_path / "ours", RunFolder(tmp_path / "run")
    elsewhere.mkdir()
    write(content(), elsewhere)
    Tokenizer({id: bytes([id]) for id in range(256)}, []).save_to_folder(ours)
    paths = TokenPaths(train=(tokens / "train.npy",), validation=tokens / "validation.npy")
    for folder, names in ((elsewhere, {"tokenizer.json"}), (ours, {"vocab.json", "merges.txt"})) * 2:
        prepare_run(CONFIG, run, job="test", tokens=paths, tokenizer=folder)
        assert {path.name for path in run.tokenizer.iterdir()} == names


def test_auto_is_what_a_run_has_trained_with_but_not_what_an_attempt_came_to_nothing_with(tokens, tmp_path):
    run = RunFolder(tmp_path / "run")
    paths = TokenPaths(train=(tokens / "train.npy",), validation=tokens / "validation.npy")

    def prepared_precision(precision: Precision) -> Precision:
        config = with_training(precision=precision)
        return prepare_run(config, run, job="test", tokens=paths, tokenizer=None)[0].training.precision

    assert prepared_precision("fp64") == "fp64"
    assert prepared_precision("auto") in ("fp32", "bf16")
    make(run.path, tokens, with_training(precision="fp64"))
    assert prepared_precision("auto") == "fp64"


def test_a_fork_continues_without_the_run_it_comes_from(tokens, tmp_path):
    source, trained = make(tmp_path / "source", tokens)
    run = RunFolder(tmp_path / "fork")
    paths = TokenPaths(train=(tokens / "train.npy",), validation=tokens / "validation.npy")
    prepare_run(CONFIG, run, job="test", tokens=paths, tokenizer=None, fork_from=source.path)
    first = run.checkpoints / "step-00000000"
    model = new_model(CONFIG)
    load_run_weights(first, model)
    torch.testing.assert_close(model.state_dict(), trained.state_dict(), rtol=0, atol=0)
    assert read_progress(first)["optimizer"]["per_parameter"] == {}
    os.rename(run.path, tmp_path / "moved")
    make(tmp_path / "moved", tokens, fork_from=tmp_path / "moved too")
    make(tmp_path / "moved", tokens)


def test_a_fork_of_another_model_lists_the_differing_fields_and_makes_nothing(tokens, tmp_path):
    source, _ = make(tmp_path / "source", tokens)
    other = replace(CONFIG, model=replace(CONFIG.model, d_ff=13, num_layers=3))
    with pytest.raises(
        ValueError, match=r"model.num_layers: 2 there, 3 given; model.d_ff: 11 there, 13 given"
    ):
        make(tmp_path / "fork", tokens, other, fork_from=source.path)
    assert not (tmp_path / "fork").exists()


def test_a_fork_of_a_run_whose_configuration_is_not_that_of_its_checkpoint_is_refused(tokens, tmp_path):
    source, _ = make(tmp_path / "source", tokens)
    other = replace(CONFIG, model=replace(CONFIG.model, rope_theta=77.0))
    source.config.write_text(json.dumps({"job": "test", **other.to_dict()}))
    with pytest.raises(ValueError, match=r"rope_theta: 10000\.0 there, 77\.0 given"):
        make(tmp_path / "fork", tokens, other, fork_from=source.path)


def test_a_run_that_has_begun_without_cannot_become_a_fork(tokens, tmp_path):
    make(tmp_path / "source", tokens)
    make(tmp_path / "plain", tokens)
    with pytest.raises(ValueError, match=r"only a new run .* weights of .*source but .*plain has"):
        make(tmp_path / "plain", tokens, fork_from=tmp_path / "source")


def test_a_fork_of_what_is_no_run_or_of_itself_is_refused(tokens, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none has no config\.json"):
        make(tmp_path / "fork", tokens, fork_from=tmp_path / "none")
    RunFolder(tmp_path / "same").create(job="test")
    RunFolder(tmp_path / "same").claim({**CONFIG.to_dict(), "job": "test"}, compared=())
    with pytest.raises(ValueError, match="cannot be forked from itself"):
        make(tmp_path / "same", tokens, fork_from=tmp_path / "same")


def test_a_run_never_continues_with_another_configuration_or_other_data(tokens, tmp_path):
    run, _ = make(tmp_path / "run", tokens)
    other = replace(CONFIG, optimizer=replace(CONFIG.optimizer, beta2=0.9))
    with pytest.raises(ValueError, match=r"\(optimizer.beta2: 0.95 there, 0.9 given\)"):
        make(run.path, tokens, other)
    with pytest.raises(ValueError, match=r"\(config.optimizer.beta2: 0.95 there, 0.9 given\)"):
        train(other, token_data(), run)
    data = token_data()
    ids = data.train.datasets[0]
    ids[7] += 1 - 2 * (ids[7] > 0)
    with pytest.raises(ValueError, match=r"data.train.0.sha256"):
        train(CONFIG, data, run)
    np.save(tokens / "train.npy", data.train.datasets[0][:-1])
    with pytest.raises(ValueError, match=r"data.train.0.num_tokens: 400 there, 399 given"):
        make(run.path, tokens)


def test_a_checkpoint_holds_all_that_a_run_needs(tokens, tmp_path):
    run, model = make(tmp_path / "run", tokens)
    state = json.loads((run.checkpoints / "step-00000012/state.json").read_text())
    assert (state["step"], state["tokens"]) == (12, 12 * 42)
    assert state["config"] == CONFIG.to_dict()
    assert len(state["config_sha256"]) == 64
    assert state["sampler"] == {"windows_from": "seed and step", "seed": 0}
    assert state["data"]["train"][0]["num_tokens"] == 400
    assert state["awaiting_validation"] is None
    losses = {
        line["step"]: line["validation_loss"] for line in read_metrics(run.metrics) if line["validation_loss"]
    }
    validation = np.load(tokens / "validation.npy")
    losses[12] = validate_step(model, validation, CONFIG, is_last=True).comparable
    best = min(losses, key=losses.__getitem__)
    assert state["best_validation"] == {"step": best, "loss": losses[best]}
    assert (run.checkpoints / "best").read_text() == f"step-{best:08d}\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows allows links to few users")
@pytest.mark.parametrize("name", ["checkpoints", "tokenizer"])
def test_a_link_in_place_of_a_folder_of_a_run_is_refused(tokens, tmp_path, name):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(
        ValueError, match=f"run/{name} must be what it seems but is a symbolic link to .*elsewhere"
    ):
        make(tmp_path / "run", tokens)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_the_folder_of_a_run_may_itself_be_a_link(tokens, tmp_path):
    (tmp_path / "large disk").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "large disk")
    make(tmp_path / "run", tokens)
    assert (tmp_path / "large disk/checkpoints/latest").is_file()


@pytest.mark.parametrize("precision", ["fp32", "fp64"])
def test_a_run_is_evaluated_in_the_precision_that_it_was_trained_in(tokens, tmp_path, precision):
    run, model = make(tmp_path / "run", tokens, with_training(precision=precision))
    assert open_trained_run(run, device="cpu").model.lm_head.weight.dtype == model.lm_head.weight.dtype
    result = score_validation(run, validation_tokens(run), device="cpu")
    assert result.loss == read_metrics(run.metrics)[-1]["validation_loss"]


def test_a_run_that_another_process_has_prepared_meanwhile_is_left_to_it(tokens, tmp_path):
    run = RunFolder(tmp_path / "run")
    paths = TokenPaths(train=(tokens / "train.npy",), validation=tokens / "validation.npy")
    how: dict[str, Any] = {"job": "test", "tokens": paths, "tokenizer": None}
    config, data = prepare_run(CONFIG, run, **how)
    faster = replace(CONFIG, optimizer=replace(CONFIG.optimizer, learning_rate=0.5))
    others_config, others_data = prepare_run(faster, run, **how)
    with pytest.raises(ValueError, match=r"another process has changed .* \(.*: 0\.5 there, 0\.01 given\)"):
        train(config, data, run)
    train(others_config, others_data, run)
    assert open_trained_run(run, device="cpu").config.optimizer.learning_rate == 0.5


@pytest.mark.parametrize(("diverged", "remedy"), [(True, "start another with a lower"), (False, "train it")])
def test_a_run_without_a_checkpoint_says_what_to_do(tokens, tmp_path, diverged, remedy):
    run = RunFolder(tmp_path / "run")
    paths = TokenPaths(train=(tokens / "train.npy",), validation=tokens / "validation.npy")
    prepare_run(CONFIG, run, job="test", tokens=paths, tokenizer=None)
    if diverged:
        run.divergence.write_text("{}")
    with pytest.raises(FileNotFoundError, match=f"has none yet; {remedy}"):
        open_trained_run(run, device="cpu")


def test_a_run_that_another_process_has_prepared_with_other_tokens_is_left_to_it(tokens, tmp_path):
    run = RunFolder(tmp_path / "run")
    train_tokens, validation = tokens / "train.npy", tokens / "validation.npy"
    paths, swapped = (
        TokenPaths(train=(first,), validation=second)
        for first, second in ((train_tokens, validation), (validation, train_tokens))
    )
    config, data = prepare_run(CONFIG, run, job="test", tokens=paths, tokenizer=None)
    prepare_run(CONFIG, run, job="test", tokens=swapped, tokenizer=None)
    with pytest.raises(ValueError, match=r"another process has changed .*config\.data\.train\.0\.sha256: "):
        train(config, data, run)
