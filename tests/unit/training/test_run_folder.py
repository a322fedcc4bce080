from concurrent.futures import ThreadPoolExecutor

import pytest

from cs336_basics.checkpoint.pointers import LATEST
from cs336_basics.training.differences import differences
from cs336_basics.training.run_folder import RunFolder
from tests.unit.training.small_run import CONFIG, run_folder, with_training


def with_checkpoint(run):
    """Mark the run as one that has come as far as a checkpoint."""
    run.checkpoints.mkdir()
    (run.checkpoints / LATEST).write_text("step-00000001")
    return run


def test_claim_accepts_the_same_configuration_again(tmp_path):
    run = run_folder(tmp_path)
    for _ in range(2):
        run.claim({**CONFIG.to_dict(), "machine": {}}, compared=("model", "training"))
    assert run.read_config()["model"]["vocab_size"] == 31


def test_claim_lists_the_fields_that_differ_and_changes_nothing(tmp_path):
    run = run_folder(tmp_path)
    run.claim(CONFIG.to_dict(), compared=("training",))
    with_checkpoint(run)
    stored = run.config.read_bytes()
    other = with_training(steps=13, seed=2).to_dict()
    with pytest.raises(
        ValueError, match=r"training\.steps: 12 there, 13 given; training\.seed: 0 there, 2 given"
    ):
        run.claim(other, compared=("training",))
    assert run.config.read_bytes() == stored


def test_claim_ignores_what_is_not_compared(tmp_path):
    run = run_folder(tmp_path)
    run.claim({"training": 1, "machine": "this"}, compared=("training",))
    with_checkpoint(run)
    run.claim({"training": 1, "machine": "another"}, compared=("training",))
    assert run.read_config()["machine"] == "this"


def test_create_says_that_a_folder_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="the run folder must be one that can be written"):
        RunFolder(tmp_path / "file" / "run").create(job="test")


def test_create_by_many_at_once_says_of_none_that_the_folder_cannot_be_written(tmp_path):
    with ThreadPoolExecutor(8) as threads:
        runs = [threads.submit(RunFolder(tmp_path / "run").create, job="test") for _ in range(200)]
    assert [run.result() for run in runs] == [None] * 200
    assert list((tmp_path / "run").iterdir()) == []


def test_differences_names_missing_and_additional_fields():
    assert differences({"a": 1, "b": {"c": 2}}, {"b": {"c": 3}, "d": 4}, "x") == [
        "x.a: 1 there, None given",
        "x.b.c: 2 there, 3 given",
        "x.d: None there, 4 given",
    ]


def test_a_run_that_has_no_checkpoint_yet_takes_another_configuration(tmp_path):
    run = run_folder(tmp_path)
    run.claim({"training": 1}, compared=("training",))
    run.claim({"training": 2}, compared=("training",))
    assert run.read_config() == {"training": 2}


def test_a_folder_with_a_run_of_another_job_is_refused(tmp_path):
    run = run_folder(tmp_path)
    run.claim({"job": "train"}, compared=())
    run.create(job="train")
    with pytest.raises(ValueError, match="holds a run of 'train', not of 'quickstart'"):
        run.create(job="quickstart")


def test_a_damaged_configuration_is_named(tmp_path):
    run = run_folder(tmp_path)
    run.config.write_text('{"model": ')
    with pytest.raises(ValueError, match=r"config\.json must be a JSON file"):
        run.read_config()
