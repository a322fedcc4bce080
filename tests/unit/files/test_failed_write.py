import errno
import os

import pytest

from cs336_basics.files.atomic import flush_to_disk, replace_file
from cs336_basics.files.failed_write import FailedWriteError, explain_failed_write


def test_a_disk_without_room_is_one_sentence_with_path_reason_and_remedy(tmp_path):
    with pytest.raises(FailedWriteError) as caught, replace_file(tmp_path / "a"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(caught.value) == (
        f"{tmp_path / 'a'} must be written whole but cannot be (No space left on device); "
        "make room there and try again"
    )
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "a"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_real_full_device_is_named(tmp_path):
    file = open("/dev/full", "w")  # noqa: SIM115
    file.write("x")
    with pytest.raises(FailedWriteError, match=r"full-name must be written whole .*No space left"):
        flush_to_disk(file, tmp_path / "full-name")
    with pytest.raises(FailedWriteError, match="No space left"), explain_failed_write(tmp_path / "a"):
        file.close()


def test_an_error_of_reading_another_file_stays_what_it_is(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, replace_file(tmp_path / "a"):
        (tmp_path / "none").read_bytes()
    assert not isinstance(caught.value, FailedWriteError)


@pytest.mark.skipif(os.name == "nt", reason="Windows allows links to few users")
def test_what_lies_in_the_way_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / ".a.unfinished").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "a").symlink_to(tmp_path / "elsewhere")
    with replace_file(tmp_path / "a", "w") as file:
        file.write("new")
    assert (tmp_path / "elsewhere").read_text() == "precious"
    assert not (tmp_path / "a").is_symlink()
    assert (tmp_path / "a").read_text() == "new"
