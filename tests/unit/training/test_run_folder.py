import pytest

from cs336_basics.training.run_folder import RunFolder, differences
from tests.unit.training.small_run import CONFIG, run_folder, with_training


def test_claim_accepts_the_same_configuration_again(tmp_path):
    run = run_folder(tmp_path)
    for _ in range(2):
        run.claim({**CONFIG.to_dict(), "machine": {}}, compared=("model", "training"))
    assert run.read_config()["model"]["vocab_size"] == 31


def test_claim_lists_the_fields_that_differ_and_changes_nothing(tmp_path):
    run = run_folder(tmp_path)
    run.claim(CONFIG.to_dict(), compared=("training",))
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
    run.claim({"training": 1, "machine": "another"}, compared=("training",))
    assert run.read_config()["machine"] == "this"


def test_create_says_that_a_folder_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="the run folder must be writable"):
        RunFolder(tmp_path / "file" / "run").create()


def test_differences_names_missing_and_additional_fields():
    assert differences({"a": 1, "b": {"c": 2}}, {"b": {"c": 3}, "d": 4}, "x") == [
        "x.a: 1 there, None given",
        "x.b.c: 2 there, 3 given",
        "x.d: None there, 4 given",
    ]
