import json

import numpy as np
import pytest
import torch

from cs336_basics.training.loop import train
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.start import prepare_run
from cs336_basics.training.trained_run import open_trained_run
from tests.unit.training.small_run import CONFIG, with_training

# The fields that the optimizer's part had before others than AdamW with a cosine could be chosen.
FIRST_FIELDS = {
    "learning_rate",
    "min_learning_rate",
    "warmup_steps",
    "cosine_steps",
    "beta1",
    "beta2",
    "eps",
    "weight_decay",
    "max_gradient_norm",
}


def prepared(folder, config):
    tokens = folder / "tokens.npy"
    np.save(tokens, np.arange(500, dtype=np.uint16) % 31)
    run = RunFolder(folder / "run")
    settled, data = prepare_run(
        config, run, job="test", train_tokens=tokens, validation_tokens=None, tokenizer=None
    )
    return run, settled, data


def forget_later_fields(run):
    stored = run.read_config()
    stored["optimizer"] = {name: stored["optimizer"][name] for name in FIRST_FIELDS}
    run.config.write_text(json.dumps(stored))


def test_a_run_of_an_earlier_version_can_be_opened_and_continued(tmp_path):
    run, config, data = prepared(tmp_path, CONFIG)
    model = train(config, data, run)
    forget_later_fields(run)
    trained = open_trained_run(run, device="cpu")
    assert trained.config.optimizer == CONFIG.optimizer
    torch.testing.assert_close(trained.model.state_dict(), model.state_dict(), rtol=0, atol=0)
    _, again, _ = prepared(tmp_path, CONFIG)
    assert again == config


def test_a_run_of_an_earlier_version_still_belongs_to_its_configuration(tmp_path):
    run, config, data = prepared(tmp_path, CONFIG)
    train(config, data, run)
    forget_later_fields(run)
    with pytest.raises(ValueError, match=r"\(training\.steps: 12 there, 13 given\)"):
        prepared(tmp_path, with_training(steps=13))
    changed = CONFIG.to_dict()
    changed["optimizer"]["optimizer"] = "muon"
    with pytest.raises(ValueError, match=r"\(optimizer\.optimizer: adamw there, muon given\)"):
        prepared(tmp_path, type(CONFIG).from_dict(changed))
