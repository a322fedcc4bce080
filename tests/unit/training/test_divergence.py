import json
from dataclasses import replace

import pytest
import torch

import cs336_basics.training.loop as loop
from cs336_basics.checkpoint.newest_whole import newest_whole_checkpoint
from cs336_basics.evaluation.held_out_loss import EvaluationResult
from cs336_basics.training.config import RunConfig
from cs336_basics.training.finite import NonFiniteError
from cs336_basics.training.metrics import read_metrics
from cs336_basics.training.scoring import finite_result
from cs336_basics.training.step import train_step
from tests.unit.training.small_run import run_folder, token_data, with_training


@pytest.mark.parametrize("diverging_step", [1, 7, 27])
def test_a_loss_that_is_no_number_leaves_the_last_20_steps_and_the_last_checkpoint(
    tmp_path, monkeypatch, diverging_step
):
    run = run_folder(tmp_path)

    def step_with_accident(objective, optimizer, batch, config, step, **how):
        if step == diverging_step:
            with torch.no_grad():
                objective.model.lm_head.weight[0, 0] = float("inf")
        return train_step(objective, optimizer, batch, config, step, **how)

    monkeypatch.setattr(loop, "train_step", step_with_accident)
    with pytest.raises(NonFiniteError) as caught:
        loop.train(with_training(steps=30), token_data(), run)
    report = json.loads(run.divergence.read_text(), parse_constant=pytest.fail)
    sentence = str(caught.value)
    assert f"at step {diverging_step} the loss is nan" in sentence
    assert f"steps are in {run.divergence}" in sentence
    assert "\n" not in sentence
    steps = report["last_steps"]
    expected = list(range(max(1, diverging_step - 19), diverging_step + 1))
    assert [each["step"] for each in steps] == expected
    taken = {each["step"]: each for each in read_metrics(run.metrics)}
    for each in steps[:-1]:
        for name in ("learning_rate", "gradient_norm", "loss"):
            assert each[name] == taken[each["step"]][name]
    assert steps[-1]["loss"] == "nan"
    assert steps[-1]["learning_rate"] > 0
    latest = newest_whole_checkpoint(run.checkpoints)
    assert (latest and latest.name) == {1: None, 7: "step-00000005", 27: "step-00000025"}[diverging_step]


def dividing_by_zero(**changes) -> RunConfig:
    """A configuration whose first step makes the embeddings of tokens that it has not seen NaN, 0 / 0."""
    config = with_training(**changes)
    return replace(config, optimizer=replace(config.optimizer, eps=0.0))


def test_a_validation_loss_that_is_no_number_is_neither_noted_nor_saved_but_reported(tmp_path):
    run = run_folder(tmp_path)
    with pytest.raises(NonFiniteError, match=r"at step 1 the validation loss is nan, .*the last 1 steps"):
        loop.train(dividing_by_zero(evaluation_interval=1, checkpoint_interval=1), token_data(), run)
    [failed] = json.loads(run.divergence.read_text(), parse_constant=pytest.fail)["last_steps"]
    assert failed["validation_loss"] == "nan"
    assert failed["loss"] > 0
    assert read_metrics(run.metrics) == []
    assert not run.checkpoints.exists()


@pytest.mark.parametrize("stopping", [False, True])
def test_weights_that_are_no_numbers_are_never_saved(tmp_path, stopping):
    run = run_folder(tmp_path)
    config = dividing_by_zero(evaluation_interval=9, checkpoint_interval=9 if stopping else 1)
    with pytest.raises(NonFiniteError, match=r"at step 1 the weight token_embeddings\.weight is not; "):
        loop.train(config, token_data(), run, should_stop=lambda: stopping)
    assert [each["step"] for each in json.loads(run.divergence.read_text())["last_steps"]] == [1]
    assert not run.checkpoints.exists()


def test_weights_that_are_no_numbers_leave_the_last_good_checkpoint(tmp_path, monkeypatch):
    run = run_folder(tmp_path)

    def step_with_accident(objective, optimizer, batch, config, step, **how):
        result = train_step(objective, optimizer, batch, config, step, **how)
        if step == 3:
            objective.model.lm_head.weight.data[0, 0] = float("inf")
        return result

    monkeypatch.setattr(loop, "train_step", step_with_accident)
    with pytest.raises(NonFiniteError, match=r"at step 3 the weight lm_head\.weight is not"):
        loop.train(with_training(checkpoint_interval=1), token_data(), run, keep=1)
    latest = newest_whole_checkpoint(run.checkpoints)
    assert latest is not None
    assert latest.name == "step-00000002"


def test_evaluating_weights_that_are_no_numbers_is_an_error(tmp_path):
    run = run_folder(tmp_path)
    result = EvaluationResult(total_nats=float("nan"), num_tokens=7)
    with pytest.raises(ValueError, match=f"a loss must be finite but that of {tmp_path} is nan, so"):
        finite_result(run, result)
