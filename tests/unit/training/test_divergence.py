import json

import pytest
import torch

import cs336_basics.training.loop as loop
from cs336_basics.checkpoint.newest_whole import newest_whole_checkpoint
from cs336_basics.training.metrics import read_metrics
from cs336_basics.training.step import NonFiniteError, train_step
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
