"""A text, a tokenizer and a token file, made once with the command line, for the tests of later commands."""

from pathlib import Path
from pydoc_data.topics import topics

import pytest

from tests.integration.command import cs336


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """A folder with text.txt, tokenizer/ and tokens.npy."""
    folder = tmp_path_factory.mktemp("prepared")
    text = "".join(f"{topics[name]}\n<|endoftext|>\n" for name in sorted(topics)[:20])
    (folder / "text.txt").write_text(text, encoding="utf-8", newline="\n")
    for arguments in (
        ("train-tokenizer", "--input", "text.txt", "--output", "tokenizer", "--vocab-size", "300"),
        ("encode", "--tokenizer", "tokenizer", "--input", "text.txt", "--output", "tokens.npy"),
    ):
        result = cs336(*arguments, cwd=folder)
        assert result.returncode == 0, result.stderr
    return folder
