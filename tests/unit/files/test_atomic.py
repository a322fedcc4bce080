import os
import stat

import pytest

from cs336_basics.files.atomic import replace_file


def test_replace_file_keeps_the_old_content_when_the_block_fails(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), replace_file(path, "w") as file:
        file.write("new")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_replace_file_shows_the_new_content_only_at_the_end(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replace_file(path, "w") as file:
        file.write("é\n")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_bytes() == "é\n".encode()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits to compare")
def test_replace_file_gives_the_permissions_of_an_ordinary_file(tmp_path):
    (tmp_path / "ordinary").write_text("")
    with replace_file(tmp_path / "ours", "w") as file:
        file.write("")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ordinary", "ours")]
    assert modes[0] == modes[1]


def test_replace_file_names_a_folder_that_does_not_exist(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match=r"none does not; make it first"),
        replace_file(tmp_path / "none" / "a"),
    ):
        pass
