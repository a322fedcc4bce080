import os

import pytest

from cs336_basics.files.outputs import require_other_file, require_writable_folder


def test_the_file_that_is_read_is_refused_as_an_output_under_any_name(tmp_path):
    (tmp_path / "text").write_text("precious")
    os.link(tmp_path / "text", tmp_path / "other name")
    for name in ("text", "other name"):
        with pytest.raises(ValueError, match=r"must not be the file that is read but .* is .*text; choose"):
            require_other_file(tmp_path / name, tmp_path / "text")
    require_other_file(tmp_path / "none", tmp_path / "text")
    require_other_file(tmp_path / "text", tmp_path / "none")


def test_a_folder_that_can_be_made_is_accepted_and_not_made(tmp_path):
    require_writable_folder(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="file is none"):
        require_writable_folder(tmp_path / "file" / "a")
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (tmp_path, os.W_OK))
    with pytest.raises(PermissionError, match=f"but {tmp_path} cannot; choose another"):
        require_writable_folder(tmp_path / "a" / "b")
