import sys

import pytest

from cs336_basics.cli.main import EXPECTED_ERRORS
from cs336_basics.cli.train import Train
from cs336_basics.training.tracking.choice import chosen_trackers
from cs336_basics.training.tracking.tensorboard_log import tensorboard_log
from cs336_basics.training.tracking.wandb_log import wandb_log


def test_what_is_chosen_is_what_tracks():
    assert chosen_trackers(tensorboard=False, wandb=False) == []
    assert chosen_trackers(tensorboard=True, wandb=True) == [tensorboard_log, wandb_log]


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_missing_package_is_one_sentence_before_the_run_begins(tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    command = Train(
        train_tokens=(tmp_path / "none.npy",),
        run=tmp_path / "run",
        tensorboard=name == "tensorboard",
        wandb=name == "wandb",
    )
    sentence = rf"^--{name} needs the package {name}, .* uv sync --extra {name}$"
    with pytest.raises(EXPECTED_ERRORS, match=sentence):
        command.execute()
    assert not command.run.exists()
