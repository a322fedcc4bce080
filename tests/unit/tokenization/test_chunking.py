from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.tokenization import chunking
from cs336_basics.tokenization.chunking import chunk_ranges, read_chunk
from tests.unit.tokenization.references import (
    BOUNDED,
    adversarial_text,
    real_text,
    some_special_tokens,
    split_by_definition,
)


def chunks_of(path, text, special_tokens, chunk_bytes):
    path.write_bytes(text.encode())
    ranges = list(chunk_ranges(path, special_tokens, chunk_bytes=chunk_bytes))
    assert [end for _, end in ranges[:-1]] == [start for start, _ in ranges[1:]]
    assert [ranges[0][0], ranges[-1][1]] == [0, len(text.encode())] if text else not ranges
    return [read_chunk(path, start, end).decode() for start, end in ranges]


def test_chunks_begin_with_the_space_before_a_word(tmp_path):
    text = "ab  cd\nef 中 \xa0é\t g"
    chunks = ["ab ", " cd", "\nef", " 中 ", "\xa0é\t", " g"]
    assert chunks_of(tmp_path / "text", text, [], 1) == chunks


@pytest.mark.parametrize(
    ("text", "special_tokens", "chunks"),
    [
        ("a x<b c>y z", ["<b c>"], ["a", " x<b c>y", " z"]),  # spans a space
        ("a  <e> z", ["<e>"], ["a  <e>", " z"]),  # ends the text behind two spaces, so they are one pre-token
        ("aaa  <e> z", ["<e>"], ["aaa  <e>", " z"]),  # the same where the first bytes read end with "<"
        ("a\n\n<e>", ["<e>"], ["a\n\n<e>"]),
        ("a\n\nz", ["\n\n"], ["a\n\nz"]),  # ends with the newline before a word
        ("a <e", ["a <", "x"], ["a <e"]),
        ("a <e", ["a <f"], ["a", " <e"]),
    ],
)
@pytest.mark.parametrize("scan_bytes", [1, 4096])
def test_chunks_are_not_cut_inside_or_just_before_a_special_token(
    tmp_path, monkeypatch, text, special_tokens, chunks, scan_bytes
):
    monkeypatch.setattr(chunking, "SCAN_BYTES", scan_bytes)
    assert chunks_of(tmp_path / "text", text, special_tokens, 1) == chunks


@BOUNDED
@given(adversarial_text, some_special_tokens, st.integers(1, 9), st.sampled_from([1, 2, 3, 7, 4096]))
def test_chunks_split_like_the_whole_text(tmp_path_factory, text, special_tokens, chunk_bytes, scan_bytes):
    path = tmp_path_factory.getbasetemp() / "chunked.txt"
    with mock.patch.object(chunking, "SCAN_BYTES", scan_bytes):
        chunks = chunks_of(path, text, special_tokens, chunk_bytes)
    assert "".join(chunks) == text
    pieces = [piece for chunk in chunks for piece in split_by_definition(chunk, special_tokens)]
    assert pieces == split_by_definition(text, special_tokens)


def test_chunks_of_real_text_have_about_the_size_asked_for(tmp_path):
    text = real_text()
    chunks = chunks_of(tmp_path / "text", text, ["<|endoftext|>"], 10_000)
    assert "".join(chunks) == text
    assert all(10_000 <= len(chunk.encode()) < 10_200 for chunk in chunks[:-1])


def test_chunks_extend_over_text_without_a_place_to_cut(tmp_path):
    text = "x" * 20_000 + " y"
    assert chunks_of(tmp_path / "text", text, [], 1) == ["x" * 20_000, " y"]


@pytest.mark.parametrize("script", ["\u10d0", "\u1780", "\u3042", "\u0905", "я", "中"])
@pytest.mark.parametrize("white_space", [" ", "\n", "\r\n", "\n\u3000\u3000", "\t"], ids=ascii)
def test_text_of_every_script_is_cut_behind_its_white_space(tmp_path, script, white_space):
    text = (script * 5 + white_space) * 500
    chunks = chunks_of(tmp_path / "text", text, ["<|endoftext|>"], 1)
    assert len(chunks) == 500
    assert all(chunk.startswith(white_space[-1] + script) for chunk in chunks[1:])


def test_chunk_that_is_not_utf8_names_file_and_position(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"caf\xe9 au lait")
    with pytest.raises(ValueError, match=r"latin\.txt has byte 0xe9 at position 3"):
        read_chunk(path, 1, 8)
