"""Runs that are stopped in the evaluation after a step: they save it, and tell of it when they continue."""

import json
import shutil
from collections.abc import Callable
from itertools import count

import pytest

from cs336_basics.checkpoint.newest_whole import newest_whole_checkpoint
from cs336_basics.checkpoint.run_checkpoint import FILES
from cs336_basics.training.loop import train
from cs336_basics.training.metrics import read_metrics
from cs336_basics.training.validation import ValidationInterruptedError, validate, validate_step
from tests.unit.training.small_run import CONFIG, run_folder, token_data, with_training

# Besides, beartype draws from Python's random state to choose what it checks.
pytestmark = pytest.mark.without_type_checks

# `should_stop` is asked before each of the three batches of the evaluations after the steps 4 and 8, before
# each of seven after step 12 (three of the part, four of all tokens), and after each step.
QUESTIONS = {2: None, 3: 4, 5: 4, 6: None, 12: 8, 17: 12, 20: 12, 23: 12, 24: None}


def yes_at_question(number: int) -> Callable[[], bool]:
    """Say yes when asked for this time, counted from 0, and from then on."""
    questions = count()
    return lambda: next(questions) >= number


def told(run):
    return [{**line, "seconds": 0} for line in read_metrics(run.metrics)]


def last_checkpoint(run):
    """The bytes of each file, times aside."""
    folder = newest_whole_checkpoint(run.checkpoints)
    assert folder is not None
    files = {name: (folder / name).read_bytes() for name in FILES}
    state = {**json.loads(files.pop("state.json")), "seconds": 0}
    return folder.name, state, files


@pytest.fixture
def uninterrupted(tmp_path):
    run = run_folder(tmp_path / "uninterrupted")
    train(CONFIG, token_data(), run)
    return run


def test_a_run_stopped_before_any_batch_of_any_evaluation_ends_as_if_it_had_not_been(tmp_path, uninterrupted):
    for question, unvalidated_step in QUESTIONS.items():
        run = run_folder(tmp_path / str(question))
        train(CONFIG, token_data(), run, should_stop=yes_at_question(question))
        folder = newest_whole_checkpoint(run.checkpoints)
        assert folder is not None
        steps = [line["step"] for line in read_metrics(run.metrics)]
        if unvalidated_step is None:
            assert folder.name == f"step-{len(steps):08d}"
        else:
            assert folder.name == f"step-{unvalidated_step:08d}-unvalidated"
            assert len(steps) == unvalidated_step - 1
            assert not run.picture.exists()
        train(CONFIG, token_data(), run)
        assert told(run) == told(uninterrupted)
        assert last_checkpoint(run) == last_checkpoint(uninterrupted)
        assert (run.checkpoints / "best").read_text() == (uninterrupted.checkpoints / "best").read_text()
        assert run.picture.exists()


def test_an_evaluation_that_was_interrupted_is_made_to_its_end_the_next_time(tmp_path):
    run = run_folder(tmp_path)
    folders = []
    for _ in range(6):
        train(CONFIG, token_data(), run, should_stop=lambda: True)
        folders.append((run.checkpoints / "latest").read_text().strip().removeprefix("step-0000000"))
    assert folders == ["1", "2", "3", "4-unvalidated", "4", "5"]


def test_a_validated_checkpoint_takes_the_place_of_the_one_that_awaited_it(tmp_path):
    run = run_folder(tmp_path)
    for _ in range(5):
        train(CONFIG, token_data(), run, should_stop=lambda: True)
    names = sorted(path.name for path in run.checkpoints.iterdir())
    assert names == ["best", "latest", "step-00000003", "step-00000004"]
    assert (run.checkpoints / "best").read_text() == "step-00000004\n"


def test_a_damaged_checkpoint_falls_back_on_one_that_awaits_its_validation(tmp_path, uninterrupted):
    run = run_folder(tmp_path / "run")
    for _ in range(4):
        train(CONFIG, token_data(), run, should_stop=lambda: True)
    waiting = run.checkpoints / "step-00000004-unvalidated"
    shutil.copytree(waiting, tmp_path / "copy")
    train(CONFIG, token_data(), run, should_stop=lambda: True)
    shutil.move(tmp_path / "copy", waiting)  # as if killed before it was removed
    (run.checkpoints / "step-00000004" / "weights.safetensors").write_bytes(b"")
    with pytest.warns(UserWarning, match="step-00000004-unvalidated is used"):
        train(CONFIG, token_data(), run)
    assert told(run) == told(uninterrupted)
    assert last_checkpoint(run) == last_checkpoint(uninterrupted)


def test_a_damaged_checkpoint_that_awaited_its_validation_is_named_when_it_is_removed(tmp_path):
    run = run_folder(tmp_path)
    for _ in range(5):
        train(CONFIG, token_data(), run, should_stop=lambda: True)
    validated = run.checkpoints / "step-00000004"
    waiting = run.checkpoints / "step-00000004-unvalidated"
    shutil.copytree(validated, waiting)
    (waiting / "weights.safetensors").write_bytes(b"")
    with pytest.warns(UserWarning, match="step-00000004-unvalidated.* is removed"):
        train(CONFIG, token_data(), run, should_stop=lambda: True)
    assert not waiting.exists()
    assert validated.exists()


def test_the_losses_after_the_last_step_are_of_all_tokens_and_of_those_of_every_evaluation(tmp_path):
    data = token_data()
    model = train(CONFIG, data, run_folder(tmp_path))
    part = validate(model, data.validation, CONFIG, whole=False)
    whole = validate(model, data.validation, CONFIG)
    assert (part.num_tokens, whole.num_tokens) == (56, 100)
    assert part.loss != whole.loss
    for is_last, reported in ((False, part.loss), (True, whole.loss)):
        losses = validate_step(model, data.validation, CONFIG, is_last=is_last)
        assert (losses.reported, losses.comparable) == (reported, part.loss)
    all_of_it = with_training(evaluation_tokens=None)
    assert validate_step(model, data.validation, all_of_it, is_last=False).comparable == whole.loss
    with pytest.raises(ValidationInterruptedError):
        validate_step(model, data.validation, CONFIG, is_last=False, should_stop=lambda: True)
