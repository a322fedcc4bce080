import os

import pytest

from cs336_basics.files.new_folder import new_folder


def test_a_folder_appears_when_it_is_complete(tmp_path):
    with new_folder(tmp_path / "a" / "b") as folder:
        (folder / "file").write_text("content")
        assert not (tmp_path / "a" / "b").exists()
    assert (tmp_path / "a" / "b" / "file").read_text() == "content"
    assert os.listdir(tmp_path / "a") == ["b"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_folder_that_fails_leaves_nothing(tmp_path, error):
    def fail():
        with new_folder(tmp_path / "a") as folder:
            (folder / "file").write_text("content")
            raise error

    with pytest.raises(error):
        fail()
    assert os.listdir(tmp_path) == []


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / ".a.unfinished").mkdir()
    (tmp_path / ".a.unfinished" / "old").write_text("old")
    with new_folder(tmp_path / "a") as folder:
        (folder / "new").write_text("new")
    assert os.listdir(tmp_path) == ["a"]
    assert os.listdir(tmp_path / "a") == ["new"]


@pytest.mark.parametrize(
    "make", [lambda path: (path / "file").mkdir(parents=True), lambda path: path.write_text("a")]
)
def test_what_has_the_name_already_is_an_error(tmp_path, make):
    make(tmp_path / "a")
    with pytest.raises(FileExistsError, match=r"or be empty, but .*a is there"), new_folder(tmp_path / "a"):
        pass
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("below", ["file/a", "file/a/b"])
def test_a_file_where_a_folder_should_be_is_named(tmp_path, below):
    (tmp_path / "file").write_text("content")
    with (
        pytest.raises(NotADirectoryError, match=r"must lie in folders but .*file is none; choose another"),
        new_folder(tmp_path / below),
    ):
        pass
    assert (tmp_path / "file").read_text() == "content"


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "a").mkdir()
    with new_folder(tmp_path / "a") as folder:
        (folder / "file").write_text("content")
        assert os.listdir(tmp_path / "a") == []
    assert (tmp_path / "a" / "file").read_text() == "content"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.skipif(os.name == "nt", reason="Windows allows links to few users")
def test_a_link_to_nowhere_has_the_name_too(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "none")
    with pytest.raises(FileExistsError), new_folder(tmp_path / "a"):
        pass


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_what_is_no_name_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"must have a name but '\.+' is none; give"), new_folder(name):
        pass
