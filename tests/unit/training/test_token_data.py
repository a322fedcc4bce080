import numpy as np
import pytest

from cs336_basics.training.token_data import TokenPaths, open_token_data


def write(path, ids):
    np.save(path, np.array(ids, dtype=np.uint16))
    return path


def test_without_a_validation_file_the_last_twentieth_is_held_out(tmp_path):
    path = write(tmp_path / "ids.npy", range(200))
    data = open_token_data(TokenPaths(train=(path,)), vocab_size=200, context_length=8)
    assert data.train.datasets[0].tolist() == list(range(190))
    assert data.validation.tolist() == list(range(190, 200))


def test_both_files_are_checked_against_the_vocabulary(tmp_path):
    small, large = write(tmp_path / "small.npy", range(50)), write(tmp_path / "large.npy", range(60))
    data = open_token_data(TokenPaths(train=(small,), validation=small), vocab_size=50, context_length=8)
    assert isinstance(data.train.datasets[0], np.memmap)
    for train, validation in ((small, large), (large, small)):
        with pytest.raises(ValueError, match="holds 59"):
            open_token_data(
                TokenPaths(train=(train,), validation=validation), vocab_size=50, context_length=8
            )


def test_a_file_shorter_than_the_context_is_refused_by_name(tmp_path):
    path = write(tmp_path / "ids.npy", range(8))
    with pytest.raises(ValueError, match=r"context of 8 .*ids\.npy gives 8"):
        open_token_data(TokenPaths(train=(path,), validation=path), vocab_size=50, context_length=8)
