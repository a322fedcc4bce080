import sys

import pytest

from cs336_basics.training.tracking.choice import chosen_trackers
from cs336_basics.training.tracking.tensorboard_log import tensorboard_log
from cs336_basics.training.tracking.wandb_log import wandb_log


def test_what_is_chosen_is_what_tracks():
    assert chosen_trackers(tensorboard=False, wandb=False) == []
    assert chosen_trackers(tensorboard=True, wandb=True) == [tensorboard_log, wandb_log]


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_missing_package_is_one_sentence_that_names_the_extra(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    sentence = rf"^--{name} needs the package {name}, .* uv sync --extra {name}$"
    with pytest.raises(ModuleNotFoundError, match=sentence):
        chosen_trackers(tensorboard=name == "tensorboard", wandb=name == "wandb")
    assert chosen_trackers(tensorboard=False, wandb=False) == []


def test_a_folder_with_the_name_of_a_missing_package_is_no_package(monkeypatch, tmp_path):
    (tmp_path / "wandb").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    with pytest.raises(ModuleNotFoundError, match="needs the package wandb, which is not there"):
        chosen_trackers(tensorboard=False, wandb=True)
