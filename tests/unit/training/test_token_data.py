import numpy as np
import pytest

from cs336_basics.training.token_data import TokenPaths, describe_tokens, open_token_data


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


def test_several_files_are_mixed_by_weight_and_need_a_validation_file(tmp_path):
    first, second = write(tmp_path / "first.npy", range(50)), write(tmp_path / "second.npy", range(30))
    settings = {"vocab_size": 50, "context_length": 8}
    with pytest.raises(ValueError, match="several token files need one to validate on but there are 2"):
        open_token_data(TokenPaths(train=(first, second)), **settings)
    by_size = open_token_data(TokenPaths(train=(first, second), validation=first), **settings)
    assert by_size.train.weights == (50, 30)
    weighted = TokenPaths(train=(first, second), weights=(1.0, 3.0), validation=first)
    assert open_token_data(weighted, **settings).train.weights == (1.0, 3.0)
    with pytest.raises(ValueError, match="1 weights for 2 files"):
        open_token_data(TokenPaths(train=(first, second), weights=(1.0,), validation=first), **settings)


def test_the_description_tells_every_token_from_any_other(tmp_path, monkeypatch):
    monkeypatch.setattr("cs336_basics.training.token_data.IDS_PER_UPDATE", 7)
    ids = np.arange(50, dtype=np.uint16)
    described = describe_tokens(ids)
    assert described["num_tokens"] == 50
    for place in range(50):
        changed = ids.copy()
        changed[place] += 1
        assert describe_tokens(changed)["sha256"] != described["sha256"]
    assert describe_tokens(ids[:-1])["sha256"] != described["sha256"]
