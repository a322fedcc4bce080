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
