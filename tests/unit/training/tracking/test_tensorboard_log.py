import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from cs336_basics.files.failed_write import FailedWriteError
from cs336_basics.training.loop import train
from cs336_basics.training.metrics import read_metrics
from cs336_basics.training.tracking.tensorboard_log import tensorboard_log
from tests.unit.training.small_run import run_folder, token_data
from tests.unit.training.tracking.interrupted_run import (
    CONFIG,
    checkpointed_content,
    interrupted_run,
    series,
)

pytestmark = pytest.mark.without_type_checks


def read_events(folder) -> dict[str, list[tuple[int, float]]]:
    """Return (step, value) by tag, as TensorBoard shows them, all of them."""
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    return {
        tag: [(event.step, event.value) for event in accumulator.Scalars(tag)]
        for tag in accumulator.Tags()["scalars"]
    }


def in_float32(numbers):
    return {
        tag: [(step, float(np.float32(value))) for step, value in pairs] for tag, pairs in numbers.items()
    }


def test_tensorboard_shows_each_step_of_an_interrupted_run_once_with_the_numbers_of_metrics(tmp_path):
    run = interrupted_run(tmp_path / "run", [tensorboard_log])
    assert len(list(run.tensorboard.iterdir())) == 2, "a file for each process"
    assert read_events(run.tensorboard) == in_float32(series(read_metrics(run.metrics)))


def test_tracking_changes_nothing_about_a_run(tmp_path):
    untracked = run_folder(tmp_path / "untracked")
    train(CONFIG, token_data(), untracked)
    tracked = interrupted_run(tmp_path / "tracked", [tensorboard_log])
    assert checkpointed_content(tracked) == checkpointed_content(untracked)


def test_each_step_can_be_read_while_the_run_goes_on(tmp_path):
    run = run_folder(tmp_path / "run")
    with tensorboard_log(run, CONFIG, after_step=0) as log:
        log({"step": 1, "loss": 0.125, "validation_loss": None})
        assert read_events(run.tensorboard) == {"loss": [(1, 0.125)]}


def test_a_link_in_place_of_the_folder_is_refused(tmp_path):
    run = run_folder(tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    run.tensorboard.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="is a symbolic link"), tensorboard_log(run, CONFIG, after_step=0):
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_file_in_place_of_the_folder_is_one_sentence(tmp_path):
    run = run_folder(tmp_path / "run")
    run.tensorboard.write_text("")
    refused = pytest.raises(FailedWriteError, match="tensorboard must be written whole but cannot be")
    with refused, tensorboard_log(run, CONFIG, after_step=0):
        pass
