import itertools
import os
import warnings

import numpy as np
import pytest

from cs336_basics.files.token_file import open_token_file, token_dtype, write_token_file


def test_token_file_round_trip_of_pieces(tmp_path):
    path = tmp_path / "ids.npy"
    with write_token_file(path, vocab_size=300) as writer:
        for piece in ([1, 2, 3], [], [299], range(100)):
            writer.append(np.array(piece, dtype=np.int64))
    ids = open_token_file(path, vocab_size=300)
    assert isinstance(ids, np.memmap)
    assert ids.dtype == np.uint16
    assert ids.tolist() == [1, 2, 3, 299, *range(100)]
    assert np.load(path).tolist() == ids.tolist()


@pytest.mark.parametrize(("vocab_size", "dtype"), [(65536, np.uint16), (65537, np.uint32)])
def test_token_dtype_is_the_smallest_that_fits(vocab_size, dtype):
    assert token_dtype(vocab_size) == dtype


def test_token_file_is_absent_after_a_failed_write(tmp_path):
    path = tmp_path / "ids.npy"
    with pytest.raises(RuntimeError), write_token_file(path, vocab_size=300) as writer:
        writer.append(np.array([1]))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_token_file_with_too_large_an_id_names_the_id(tmp_path):
    path = tmp_path / "ids.npy"
    np.save(path, np.array([0, 41, 7], dtype=np.uint16))
    with pytest.raises(ValueError, match=r"0\.\.40 .* holds 41"):
        open_token_file(path, vocab_size=41)


@pytest.mark.parametrize(
    "array", [np.zeros((2, 3), dtype=np.uint16), np.zeros(3), np.zeros(0, dtype=np.uint16)], ids=str
)
def test_token_file_must_be_integers_on_one_axis(tmp_path, array):
    np.save(tmp_path / "ids.npy", array)
    with pytest.raises(ValueError, match="integers on one axis"):
        open_token_file(tmp_path / "ids.npy")


def test_token_file_that_is_missing_truncated_or_pickled_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="cs336 encode"):
        open_token_file(tmp_path / "none.npy")
    np.save(tmp_path / "ids.npy", np.arange(1000, dtype=np.uint16))
    whole = (tmp_path / "ids.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(whole[:-5])
    np.save(tmp_path / "pickled.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    for name in ("cut.npy", "pickled.npy"):
        with pytest.raises(ValueError, match=name):
            open_token_file(tmp_path / name)


def test_token_file_that_is_a_folder_or_a_pipe_is_refused(tmp_path):
    (tmp_path / "folder.npy").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.npy")
    for name in ("folder.npy", "pipe.npy"):
        with pytest.raises(FileNotFoundError, match=f"none at .*{name}; write one"):
            open_token_file(tmp_path / name)


@pytest.mark.parametrize("dtype", ["<u2", "<u4", ">u2", "<i8", "|u1"])
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_token_file_of_numpy_in_each_version_of_its_format_is_read(tmp_path, dtype, version):
    ids = np.arange(103).astype(dtype)
    with open(tmp_path / "ids.npy", "wb") as file, warnings.catch_warnings(action="ignore"):
        np.lib.format.write_array(file, ids, version=version)
    opened = open_token_file(tmp_path / "ids.npy")
    assert opened.dtype == ids.dtype
    assert opened.tolist() == ids.tolist()


def test_token_file_in_fortran_order_is_read(tmp_path):
    header = "{'shape': (3,), 'fortran_order': True, 'descr': '<u2'}\n"
    (tmp_path / "ids.npy").write_bytes(npy(header, b"\x05\0\x06\0\x07\0"))
    assert open_token_file(tmp_path / "ids.npy").tolist() == [5, 6, 7]


def npy(header: str, content: bytes = bytes(10), version: bytes = b"\x01\0") -> bytes:
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header.encode("latin1") + content


def described(descr: str, shape: str) -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}"


HOSTILE = [
    b"",
    b"PK\x03\x04 the beginning of an archive",
    b"\x80\x04\x95 the beginning of a pickle",
    npy(described("'<u2'", "(5,)"), version=b"\x09\0"),
    npy(described("'<u2'", "(5,)"))[:40],
    *(
        npy(header)
        for header in (
            described("'<u2'", "(5"),
            described("'<u2'", "(True,)"),
            described("'<u2'", "(-5,)"),
            described("'<u2'", "(6,)"),
            described("'<u2'", "(4,)"),
            described("'<u2'", f"({1 << 70},)"),
            described("'<u2'", f"(0x{'f' * 4000},)"),
            described("'<u2'", f"({'9' * 4000},)"),
            described("'<u2'", "()"),
            described("'<u2'", "5"),
            described("5", "(5,)"),
            described("[('a', '<u2')]", "(5,)"),
            described("(('<u2'),),", "(5,)"),
            described("'|O'", "(5,)"),
            described("'<u2\0'", "(5,)"),
            described("'<u2\xff'", "(5,)"),
            described(f"'<u{'9' * 30}'", "(5,)"),
            "{'descr': '<u2'}",
            "{1: 1, 'a': 2}",
            "{[]: 1}",
            "{'''",
            " a\n   b\n  c",
            "(" * 4000,
            "-" * 4000 + "1",
            "x" * 5000,
        )
    ),
]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_token_file_with_a_hostile_header_is_refused_in_a_sentence_that_names_it(tmp_path, content):
    path = tmp_path / "ids.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"but .*ids\.npy .*`cs336 encode`") as refused:
        open_token_file(path)
    assert len(str(refused.value)) < 300 + len(str(path))


def test_token_file_with_any_bit_of_its_header_flipped_is_read_or_refused(tmp_path):
    path = tmp_path / "ids.npy"
    np.save(path, np.arange(5, dtype=np.uint16))
    whole = path.read_bytes()
    messages = []
    for at, bit in itertools.product(range(len(whole) - 10), range(8)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
        try:
            assert len(open_token_file(path)) == 5
        except ValueError as error:
            messages.append(str(error))
    assert len(messages) > 400
    assert all("ids.npy" in message for message in messages)
