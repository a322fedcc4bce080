import pytest

from cs336_basics.files.json_file import read_json, write_json


def test_an_object_survives_a_round_trip(tmp_path):
    content = {"a": 0.1, "b": [1, None], "c": {"ü": True}}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json") == content


@pytest.mark.parametrize("text", ["", "{", "[1]", "\udcff", "[" * 100_000], ids=range(5))
def test_what_is_no_object_is_refused_by_name(tmp_path, text):
    (tmp_path / "a.json").write_bytes(text.encode("utf-8", errors="surrogateescape"))
    with pytest.raises(ValueError, match=r"a\.json must"):
        read_json(tmp_path / "a.json")
