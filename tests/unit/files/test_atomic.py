import errno
import os
import stat
from pathlib import Path

import pytest

from cs336_basics.files.atomic import make_folder, replace_file, sync_folder
from cs336_basics.files.failed_write import FailedWriteError, WrittenByAnotherError


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


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no file that is open")
@pytest.mark.parametrize("first_to_end", [0, 1])
def test_of_two_writers_at_once_the_second_one_wins_and_the_first_one_is_told(tmp_path, first_to_end):
    writers = [replace_file(tmp_path / "a", "w") for _ in range(2)]
    files = [writer.__enter__() for writer in writers]
    for number in (first_to_end, 1 - first_to_end):
        files[number].write(f"whole {number}")
        if number == 0:
            with pytest.raises(WrittenByAnotherError, match=r"has begun to write .*a; wait for it"):
                writers[0].__exit__(None, None, None)
        else:
            writers[1].__exit__(None, None, None)
    assert (tmp_path / "a").read_text() == "whole 1"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_replace_file_refuses_what_is_no_name(name):
    with pytest.raises(ValueError, match=r"must have a name but '\.+' is none; give"), replace_file(name):
        pass


def test_replace_file_refuses_a_folder(tmp_path):
    with pytest.raises(IsADirectoryError, match="must not be a folder but"), replace_file(tmp_path):
        raise AssertionError("never here")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no sync of folders")
def test_sync_that_folders_do_not_know_is_no_error_and_any_other_is(tmp_path, monkeypatch):
    def fails_with(number):
        def fsync(descriptor):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fsync", fsync)

    for number in (errno.EINVAL, errno.EBADF):
        fails_with(number)
        sync_folder(tmp_path)
        with pytest.raises(FailedWriteError), replace_file(tmp_path / "a"):  # a file must be synced
            pass
    fails_with(errno.EIO)
    with pytest.raises(FailedWriteError, match="must be written whole but cannot be"):
        sync_folder(tmp_path)


def test_drive_that_is_not_there_ends_the_search_for_a_folder(monkeypatch):
    def mkdir(folder, **_):
        raise FileNotFoundError(errno.ENOENT, "no such drive", str(folder))

    monkeypatch.setattr(Path, "is_dir", lambda folder: False)
    monkeypatch.setattr(Path, "mkdir", mkdir)
    with pytest.raises(FileNotFoundError, match="no such drive"):
        make_folder(Path("/a/b"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits to compare")
def test_a_file_that_takes_the_place_of_another_has_its_permissions(tmp_path):
    path = tmp_path / "private"
    path.write_text("old")
    path.chmod(0o600)
    with replace_file(path, "w") as file:
        file.write("new")
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600  # from the first byte on
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
def test_a_pipe_is_not_replaced_by_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (
        pytest.raises(OSError, match=r"must be an ordinary one but .*pipe is a device or a pipe"),
        replace_file(tmp_path / "pipe"),
    ):
        pass
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.skipif(os.name == "nt", reason="Windows allows links to few users")
def test_a_link_to_a_folder_is_not_replaced_by_a_file(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    with pytest.raises(IsADirectoryError, match="link is one; name a file"), replace_file(tmp_path / "link"):
        pass
