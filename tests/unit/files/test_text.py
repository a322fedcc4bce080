import pytest

from cs336_basics.files.text import decode_utf8, require_text_file


def test_a_text_file_must_be_there_and_hold_something(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "empty.txt").write_text("")
    assert require_text_file(tmp_path / "a.txt") == tmp_path / "a.txt"
    with pytest.raises(FileNotFoundError, match=r"none\.txt"):
        require_text_file(tmp_path / "none.txt")
    with pytest.raises(FileNotFoundError):
        require_text_file(tmp_path)
    with pytest.raises(ValueError, match=r"empty\.txt is empty"):
        require_text_file(tmp_path / "empty.txt")


def test_bytes_that_are_not_utf8_are_named_with_their_place_in_the_file():
    assert decode_utf8("é\r\n".encode(), path="f") == "é\r\n"
    with pytest.raises(ValueError, match="f has byte 0xff at position 102"):
        decode_utf8(b"ab\xff", path="f", offset=100)
