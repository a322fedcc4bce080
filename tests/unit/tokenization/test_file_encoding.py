import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.files.token_file import open_token_file
from cs336_basics.tokenization import Tokenizer
from cs336_basics.tokenization.file_encoding import encode_text_file
from tests.unit.tokenization.references import (
    BOUNDED,
    SPECIAL_TOKENS,
    adversarial_text,
    real_text,
    small_vocabulary,
)

BYTES = {byte: bytes([byte]) for byte in range(256)}


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(*small_vocabulary(SPECIAL_TOKENS), SPECIAL_TOKENS)


def encode_in_chunks(tokenizer, input_path, output_path, chunk_bytes):
    return encode_text_file(
        tokenizer._chunk_encoder,
        input_path,
        output_path,
        vocab_size=tokenizer.vocab_size,
        num_workers=1,
        chunk_bytes=chunk_bytes,
    )


@BOUNDED
@given(adversarial_text.filter(len), st.integers(1, 20))
def test_encoded_file_holds_the_ids_of_the_whole_text(tokenizer, tmp_path_factory, text, chunk_bytes):
    folder = tmp_path_factory.getbasetemp()
    (folder / "encoded.txt").write_bytes(text.encode())
    output_path = folder / "encoded.npy"
    count = encode_in_chunks(tokenizer, folder / "encoded.txt", output_path, chunk_bytes)
    ids = np.load(output_path).tolist()
    assert ids == tokenizer.encode_plainly(text)
    assert count == len(ids)


@pytest.mark.parametrize(("largest_id", "dtype"), [(65_535, np.uint16), (65_536, np.uint32)])
def test_encoded_file_is_as_wide_as_the_vocabulary_needs(tmp_path, largest_id, dtype):
    (tmp_path / "text").write_bytes(b"a\r\nb<x>")
    tokenizer = Tokenizer({**BYTES, largest_id: b"<x>"}, [], ["<x>"])
    assert tokenizer.encode_file(tmp_path / "text", tmp_path / "ids.npy") == 5
    ids = open_token_file(tmp_path / "ids.npy", vocab_size=tokenizer.vocab_size)
    assert ids.dtype == dtype
    assert ids.tolist() == [*b"a\r\nb", largest_id]


def test_encoded_file_of_bad_input_is_refused_and_leaves_nothing(tmp_path):
    tokenizer = Tokenizer(BYTES, [])
    with pytest.raises(FileNotFoundError, match="none"):
        tokenizer.encode_file(tmp_path / "none", tmp_path / "ids.npy")
    (tmp_path / "text").touch()
    with pytest.raises(ValueError, match="text is empty"):
        tokenizer.encode_file(tmp_path / "text", tmp_path / "ids.npy")
    (tmp_path / "text").write_bytes(b"good " * 100 + b"\xff")
    with pytest.raises(ValueError, match="text has byte 0xff at position 500"):
        encode_in_chunks(tokenizer, tmp_path / "text", tmp_path / "ids.npy", 50)
    with pytest.raises(ValueError, match="at least 1 but is -1"):
        tokenizer.encode_file(tmp_path / "text", tmp_path / "ids.npy", num_workers=-1)
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


def test_encoded_file_never_takes_the_place_of_its_text(tmp_path):
    (tmp_path / "text").write_text("precious")
    with pytest.raises(ValueError, match="must not be the file that is read"):
        Tokenizer(BYTES, []).encode_file(tmp_path / "text", tmp_path / "text")
    assert (tmp_path / "text").read_text() == "precious"


def test_encoded_file_that_fails_leaves_an_older_one_alone(tmp_path):
    (tmp_path / "text").write_bytes(b"good \xff")
    np.save(tmp_path / "ids.npy", np.arange(3, dtype=np.uint16))
    with pytest.raises(ValueError, match="0xff"):
        Tokenizer(BYTES, []).encode_file(tmp_path / "text", tmp_path / "ids.npy")
    assert np.load(tmp_path / "ids.npy").tolist() == [0, 1, 2]


def test_encoded_file_shows_a_bar_in_bytes_when_asked(tmp_path, capsys):
    (tmp_path / "text").write_text(real_text()[:5000])
    tokenizer = Tokenizer(BYTES, [])
    tokenizer.encode_file(tmp_path / "text", tmp_path / "ids.npy")
    assert capsys.readouterr().err == ""
    tokenizer.encode_file(tmp_path / "text", tmp_path / "ids.npy", progress=True)
    assert "100%" in capsys.readouterr().err
