import pytest

from cs336_basics.cli.train_tokenizer import TrainTokenizer


def test_output_that_cannot_be_written_is_told_before_the_training(tmp_path, capsys):
    (tmp_path / "text").write_text("some text to learn from")
    with pytest.raises(NotADirectoryError, match="text is none; choose another place"):
        TrainTokenizer(input=tmp_path / "text", output=tmp_path / "text" / "tokenizer").execute()
    assert capsys.readouterr().err == ""  # no bar has begun
