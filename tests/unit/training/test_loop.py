import json
import random

import numpy as np
import pytest
import torch
from matplotlib import image

import cs336_basics.training.loop as loop
from cs336_basics.checkpoint.newest_whole import DamagedCheckpointWarning, newest_whole_checkpoint
from cs336_basics.checkpoint.pointers import checkpoint_folders
from cs336_basics.checkpoint.run_checkpoint import OPTIMIZER, WEIGHTS
from cs336_basics.evaluation.held_out_loss import evaluate
from cs336_basics.optim import adamw_kernel
from cs336_basics.training.hardware import autocast
from cs336_basics.training.metrics import read_metrics
from cs336_basics.training.picture import draw_loss
from cs336_basics.training.step import train_step
from cs336_basics.training.trained_run import open_trained_run
from cs336_basics.training.validation import ValidationLosses, validate
from tests.unit.training.small_run import CONFIG, run_folder, token_data, with_training

# Besides, beartype draws from Python's random state to choose what it checks.
pytestmark = pytest.mark.without_type_checks


def without_time(metrics):
    return [{key: value for key, value in line.items() if key != "seconds"} for line in metrics]


def last_file(run, name):
    folder = newest_whole_checkpoint(run.checkpoints)
    assert folder is not None
    return folder / name


@pytest.mark.parametrize(("killed_before", "fewest_entries"), [(2, 1), (6, 1), (8, 1 << 16), (12, 1)])
def test_a_run_that_continues_equals_the_uninterrupted_run(
    tmp_path, monkeypatch, killed_before, fewest_entries
):
    monkeypatch.setattr(adamw_kernel, "FEWEST_ENTRIES", fewest_entries)  # 1: all is updated by the kernel
    whole, broken = run_folder(tmp_path / "whole"), run_folder(tmp_path / "broken")
    expected = loop.train(CONFIG, token_data(), whole)

    def dying_step(objective, optimizer, batch, config, step, **how):
        if step == killed_before:
            raise KeyboardInterrupt
        return train_step(objective, optimizer, batch, config, step, **how)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "train_step", dying_step)
        with pytest.raises(KeyboardInterrupt):
            loop.train(CONFIG, token_data(), broken)
    model = loop.train(CONFIG, token_data(), broken)

    torch.testing.assert_close(model.state_dict(), expected.state_dict(), rtol=0, atol=0)
    assert without_time(read_metrics(broken.metrics)) == without_time(read_metrics(whole.metrics))
    for name in ("weights.safetensors", "optimizer.safetensors"):
        assert last_file(broken, name).read_bytes() == last_file(whole, name).read_bytes()


def drawing_step(objective, optimizer, batch, config, step, **how):
    """A step that uses the global random states, as dropout would."""
    with torch.no_grad():
        objective.model.lm_head.weight[0] += 0.01 * (
            torch.randn(8) + random.gauss(0, 1) + np.random.standard_normal()
        )
    return train_step(objective, optimizer, batch, config, step, **how)


def test_a_run_that_is_stopped_again_and_again_equals_the_uninterrupted_run_also_in_its_randomness(
    tmp_path, monkeypatch
):
    whole, broken = run_folder(tmp_path / "whole"), run_folder(tmp_path / "broken")
    monkeypatch.setattr(loop, "train_step", drawing_step)
    expected = loop.train(CONFIG, token_data(), whole)
    for _ in range(CONFIG.training.steps + 3):  # each of three evaluations is left once
        random.seed()
        model = loop.train(CONFIG, token_data(), broken, should_stop=lambda: True)
    torch.testing.assert_close(model.state_dict(), expected.state_dict(), rtol=0, atol=0)
    assert without_time(read_metrics(broken.metrics)) == without_time(read_metrics(whole.metrics))
    assert broken.picture.is_file()


def test_train_asks_after_each_step_whether_to_stop_and_saves_before_it_does(tmp_path):
    run = run_folder(tmp_path)
    answers = iter([False, False, True])
    loop.train(CONFIG, token_data(), run, should_stop=lambda: next(answers))
    assert [line["step"] for line in read_metrics(run.metrics)] == [1, 2, 3]
    assert (run.checkpoints / "latest").read_text() == "step-00000003\n"
    assert not run.picture.exists()


def test_train_keeps_as_many_checkpoints_as_asked_and_the_best(tmp_path):
    for keep in (1, 3):
        run = run_folder(tmp_path / str(keep))
        loop.train(with_training(checkpoint_interval=1), token_data(), run, keep=keep)
        newest = {f"step-{step:08d}" for step in range(13 - keep, 13)}
        best = (run.checkpoints / "best").read_text().strip()
        assert {path.name for path in run.checkpoints.glob("step-*")} == newest | {best}
    with pytest.raises(ValueError, match="keep must be at least 1"):
        loop.train(CONFIG, token_data(), run, keep=0)


def test_the_best_loss_is_remembered_by_a_run_that_is_stopped_again_and_again(tmp_path, monkeypatch):
    losses = iter([3.0, 5.0, 4.0] * 2)

    def validate_step(*_, **__):
        loss = next(losses)
        return ValidationLosses(reported=loss, comparable=loss)

    monkeypatch.setattr(loop, "validate_step", validate_step)
    whole, broken = run_folder(tmp_path / "whole"), run_folder(tmp_path / "broken")
    loop.train(CONFIG, token_data(), whole)
    for _ in range(CONFIG.training.steps):
        loop.train(CONFIG, token_data(), broken, should_stop=lambda: True)
    for run in (whole, broken):
        assert json.loads(last_file(run, "state.json").read_text())["best_validation"] == {
            "step": 4,
            "loss": 3.0,
        }
        assert (run.checkpoints / "best").read_text() == "step-00000004\n"
    assert sorted(path.name for path in whole.checkpoints.iterdir()) == [
        "best",
        "latest",
        "step-00000004",
        "step-00000010",
        "step-00000012",
    ]


def test_a_run_killed_just_before_its_end_is_tidied_when_it_is_started_again(tmp_path):
    run = run_folder(tmp_path)
    loop.train(CONFIG, token_data(), run, keep=9)
    best = (run.checkpoints / "best").read_text()
    (run.checkpoints / "best").write_text("step-00000004\n")  # as if killed between the two pointers
    (run.checkpoints / "latest").unlink()
    (run.checkpoints / ".unfinished-removed-step-00000003").mkdir()
    loop.train(CONFIG, token_data(), run, keep=1)
    assert (run.checkpoints / "best").read_text() == best
    assert (run.checkpoints / "latest").read_text() == "step-00000012\n"
    assert {path.name for path in run.checkpoints.iterdir()} == {
        "best",
        "latest",
        "step-00000012",
        best.strip(),
    }


def test_train_logs_each_step_once_with_all_its_numbers_and_draws_them(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "draw_loss", draw_loss)
    run = run_folder(tmp_path)
    loop.train(CONFIG, token_data(), run)
    metrics = read_metrics(run.metrics)
    assert [line["step"] for line in metrics] == list(range(1, 13))
    assert [line["tokens"] for line in metrics] == [42 * step for step in range(1, 13)]
    assert [line["step"] for line in metrics if line["validation_loss"] is not None] == [4, 8, 12]
    assert all(line["loss"] > 0 and line["gradient_norm"] > 0 for line in metrics)
    assert image.imread(run.picture).std() > 0.01, "it is not blank"


def test_the_last_evaluation_scores_all_validation_tokens_and_the_others_a_part(tmp_path):
    run, data = run_folder(tmp_path), token_data()
    model = loop.train(CONFIG, data, run)
    last = read_metrics(run.metrics)[-1]["validation_loss"]
    whole = evaluate(model, data.validation, batch_size=3, context_length=7, device="cpu")
    assert whole.num_tokens == 100
    assert last == pytest.approx(whole.loss, rel=1e-6)
    assert validate(model, data.validation, CONFIG, whole=False).num_tokens == 56


def test_the_same_seed_gives_the_same_run_and_another_seed_another(tmp_path):
    first = loop.train(CONFIG, token_data(), run_folder(tmp_path / "1")).state_dict()
    torch.manual_seed(4)
    second = loop.train(CONFIG, token_data(), run_folder(tmp_path / "2")).state_dict()
    other = loop.train(with_training(seed=1), token_data(), run_folder(tmp_path / "3")).state_dict()
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert not torch.equal(first["lm_head.weight"], other["lm_head.weight"])


def test_train_leaves_the_random_state_of_its_caller_alone(tmp_path):
    before = torch.get_rng_state()
    loop.train(CONFIG, token_data(), run_folder(tmp_path))
    assert torch.equal(torch.get_rng_state(), before)


def test_open_trained_run_loads_the_last_checkpoint(tmp_path):
    run = run_folder(tmp_path)
    run.claim(CONFIG.to_dict(), compared=())
    model = loop.train(CONFIG, token_data(), run)
    trained = open_trained_run(run, device="cpu")
    assert trained.step == 12
    torch.testing.assert_close(trained.model.state_dict(), model.state_dict(), rtol=0, atol=0)


def test_open_trained_run_of_a_run_without_checkpoint_says_so(tmp_path):
    run = run_folder(tmp_path)
    with pytest.raises(FileNotFoundError, match="train one first"):
        open_trained_run(run)
    run.claim(CONFIG.to_dict(), compared=())
    with pytest.raises(FileNotFoundError, match="no"):
        open_trained_run(run)


@pytest.mark.parametrize(
    ("part", "name", "value", "message"),
    [
        ("model", "d_ff", 13, r"config\.model\.d_ff: 11 there, 13 given"),
        ("model", "rope_theta", 77.0, r"config\.model\.rope_theta: 10000\.0 there, 77\.0 given"),
        ("training", "steps", 13, r"config\.training\.steps: 12 there, 13 given"),
    ],
)
def test_a_configuration_that_is_not_that_of_the_checkpoint_is_refused(tmp_path, part, name, value, message):
    run = run_folder(tmp_path)
    loop.train(CONFIG, token_data(), run)
    config = CONFIG.to_dict()
    config[part][name] = value
    run.config.write_text(json.dumps(config))
    with pytest.raises(
        ValueError, match=rf"config\.json is not that of .*step-00000012 \({message}\); restore"
    ):
        open_trained_run(run)


@pytest.mark.parametrize(
    "name", ["weights.safetensors", "optimizer.safetensors", "state.json", "random.json"]
)
def test_a_damaged_checkpoint_is_reported_and_the_run_ends_as_if_it_had_not_been(tmp_path, name):
    whole, damaged = run_folder(tmp_path / "whole"), run_folder(tmp_path / "damaged")
    for run in (whole, damaged):
        loop.train(CONFIG, token_data(), run, keep=9)
    file = last_file(damaged, name)
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.warns(DamagedCheckpointWarning, match=rf"step-00000012.{name} .* step-00000010 is used"):
        loop.train(CONFIG, token_data(), damaged, keep=9)
    assert without_time(read_metrics(damaged.metrics)) == without_time(read_metrics(whole.metrics))
    for each in (WEIGHTS, OPTIMIZER):
        assert last_file(damaged, each).read_bytes() == last_file(whole, each).read_bytes()
    for pointer in ("latest", "best"):
        assert (damaged.checkpoints / pointer).read_text() == (whole.checkpoints / pointer).read_text()


def test_a_damaged_checkpoint_takes_no_place_among_those_that_are_kept(tmp_path):
    run = run_folder(tmp_path)
    config = with_training(evaluation_interval=100)
    answers = iter([False] * 6 + [True])
    loop.train(config, token_data(), run, should_stop=lambda: next(answers))
    last_file(run, WEIGHTS).write_bytes(b"")
    with pytest.warns(DamagedCheckpointWarning, match=r"step-00000007.*; step-00000005 is used"):
        loop.train(config, token_data(), run, should_stop=lambda: True)
    assert [folder.name for folder in checkpoint_folders(run.checkpoints)] == [
        "step-00000005",
        "step-00000006",
    ]


def test_bf16_precision_trains_with_float32_weights(tmp_path):
    config = with_training(precision="bf16")
    model = loop.train(config, token_data(), run_folder(tmp_path))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    full = run_folder(tmp_path / "fp32")
    loop.train(CONFIG, token_data(), full)
    first_losses = [read_metrics(path / "metrics.jsonl")[0]["loss"] for path in (tmp_path, full.path)]
    assert first_losses[0] != first_losses[1]
    assert first_losses[0] == pytest.approx(first_losses[1], rel=0.02)
    with autocast(config.training):
        assert model(torch.zeros(1, 3, dtype=torch.long)).dtype == torch.bfloat16
