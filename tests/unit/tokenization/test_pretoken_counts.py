from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.tokenization.pretoken_counts import count_pretokens
from tests.unit.tokenization.references import (
    BOUNDED,
    adversarial_text,
    some_special_tokens,
    split_by_definition,
)


@BOUNDED
@given(adversarial_text.filter(len), some_special_tokens, st.integers(1, 9))
def test_pretoken_counts_are_those_of_the_whole_text(tmp_path_factory, text, special_tokens, chunk_bytes):
    path = tmp_path_factory.getbasetemp() / "counted.txt"
    path.write_bytes(text.encode())
    counts = count_pretokens(path, special_tokens, num_workers=1, chunk_bytes=chunk_bytes)
    pieces = split_by_definition(text, special_tokens)
    assert counts == Counter(pretoken.encode() for pretoken, special in pieces if not special)


def test_pretoken_counts_of_a_missing_or_empty_or_latin1_file_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.txt"):
        count_pretokens(tmp_path / "none.txt", [])
    (tmp_path / "empty.txt").touch()
    with pytest.raises(ValueError, match=r"empty\.txt is empty"):
        count_pretokens(tmp_path / "empty.txt", [])
    (tmp_path / "latin.txt").write_bytes(b"one two\ncaf\xe9")
    with pytest.raises(ValueError, match=r"latin\.txt has byte 0xe9 at position 11"):
        count_pretokens(tmp_path / "latin.txt", [], chunk_bytes=2, num_workers=1)


def test_pretoken_counts_with_no_worker_are_refused(tmp_path):
    (tmp_path / "text").write_text("a")
    with pytest.raises(ValueError, match="at least 1 but is 0"):
        count_pretokens(tmp_path / "text", [], num_workers=0)


def test_pretoken_counts_show_a_bar_in_bytes_when_asked(tmp_path, capsys):
    (tmp_path / "text").write_text("a b c d" * 100)
    count_pretokens(tmp_path / "text", [], num_workers=1)
    assert capsys.readouterr().err == ""
    count_pretokens(tmp_path / "text", [], num_workers=1, progress=True)
    assert "700/700" in capsys.readouterr().err
