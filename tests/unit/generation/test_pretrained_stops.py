import json

import pytest

from cs336_basics.generation.pretrained_stops import read_stop_token_ids


def write(folder, name: str, **content) -> None:
    (folder / name).write_text(json.dumps(content))


def test_the_generation_configuration_counts_before_the_model_s(tmp_path):
    assert read_stop_token_ids(tmp_path) == frozenset()
    write(tmp_path, "config.json", eos_token_id=3)
    assert read_stop_token_ids(tmp_path) == {3}
    write(tmp_path, "generation_config.json", eos_token_id=[5, 7])
    assert read_stop_token_ids(tmp_path) == {5, 7}
    write(tmp_path, "generation_config.json", eos_token_id=None)
    assert read_stop_token_ids(tmp_path) == {3}


@pytest.mark.parametrize("value", ["</s>", [1, None], 1.5, True, {"a": 1}])
def test_what_is_no_id_is_refused(tmp_path, value):
    write(tmp_path, "config.json", eos_token_id=value)
    with pytest.raises(
        ValueError, match=r"config\.json must have an id or a list of ids as eos_token_id but"
    ):
        read_stop_token_ids(tmp_path)
