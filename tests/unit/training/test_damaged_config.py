"""A `config.json` that was damaged or edited: one sentence with file, field and value."""

import pytest

from cs336_basics.export.huggingface import export_run
from cs336_basics.files.json_file import write_json
from cs336_basics.training.run_folder import RunFolder
from cs336_basics.training.stored_paths import paths_of
from cs336_basics.training.trained_run import open_trained_run, read_run_config
from tests.unit.training.small_run import CONFIG


@pytest.fixture
def run(tmp_path) -> RunFolder:
    write_json(tmp_path / "config.json", CONFIG.to_dict())
    return RunFolder(tmp_path)


def damage(run: RunFolder, part: str, **values) -> None:
    content = run.read_config()
    write_json(run.config, {**content, part: {**content.get(part, {}), **values}})


READERS = {
    "export": lambda run: export_run(run, run.path / "out"),
    "open": lambda run: open_trained_run(run, device="cpu"),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_value_of_another_type_is_named_with_its_file_and_field(run, reader):
    damage(run, "model", d_model="x")
    with pytest.raises(ValueError, match=r"config\.json: model\.d_model must be a whole number but is 'x'; "):
        READERS[reader](run)


@pytest.mark.parametrize(
    ("part", "values", "message"),
    [
        ("model", {"d_model": None}, r"model\.d_model must be a whole number but is None"),
        ("model", {"num_layers": 2.0}, r"model\.num_layers must be a whole number but is 2\.0"),
        ("model", {"num_layers": True}, r"model\.num_layers must be a whole number but is True"),
        ("model", {"norm": []}, r"model\.norm must be one of pre, post, none but is \[\]"),
        ("model", {"qk_norm": "no"}, r"model\.qk_norm must be true or false but is 'no'"),
        ("model", {"rope_theta": 10**400}, r"model\.rope_theta must be a number but is 1000"),
        ("model", {"d_model": 7}, "d_model must be a multiple of num_heads"),
        ("training", {"steps": "x"}, r"training\.steps must be a whole number but is 'x'"),
        ("optimizer", {"learning_rate": None}, r"optimizer\.learning_rate must be a number but is None"),
    ],
    ids=str,
)
def test_each_type_is_checked(run, part, values, message):
    damage(run, part, **values)
    with pytest.raises(ValueError, match=rf"config\.json: {message}") as caught:
        read_run_config(run)
    assert len(str(caught.value)) < 300 + len(str(run.config))


def test_a_field_that_is_missing_and_has_no_default_is_named(run):
    write_json(run.config, {**run.read_config(), "model": {}})
    with pytest.raises(ValueError, match=r"config\.json: a configuration must have model\.vocab_size but"):
        read_run_config(run)


def test_whole_numbers_will_do_where_numbers_are_due(run):
    damage(run, "optimizer", learning_rate=1, weight_decay=0)
    assert read_run_config(run).optimizer.learning_rate == 1.0


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (None, r"paths must be an object but is None"),
        ({}, r"paths\.train_tokens must be a list, each entry a text but is None"),
        ({"train_tokens": ["a", 1]}, r"paths\.train_tokens must be a text but is 1"),
        ({"train_tokens": [], "validation_tokens": 1}, r"paths\.validation_tokens must be a text but is 1"),
    ],
    ids=str,
)
def test_damaged_paths_are_named(run, paths, message):
    write_json(run.config, {**run.read_config(), "paths": paths})
    with pytest.raises(ValueError, match=rf"config\.json: {message}"):
        paths_of(run)
