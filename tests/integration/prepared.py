"""What tests of commands share: a text, a tokenizer and a token file, and a process that gives commands."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from pydoc_data.topics import topics
from subprocess import CompletedProcess

import pytest

from tests.integration.command import cs336
from tests.integration.forked import ForkedCommands


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


@pytest.fixture(scope="session")
def command(tmp_path_factory) -> Iterator[ForkedCommands]:
    """Commands without the seconds of their start; needs fork."""
    commands = ForkedCommands(tmp_path_factory.mktemp("output"))
    yield commands
    commands.close()


@pytest.fixture(scope="session")
def quick_cs336(request) -> Callable[..., CompletedProcess[str]]:
    """`cs336` without the seconds in which torch is loaded, where forks of torch are safe."""
    return request.getfixturevalue("command").cs336 if sys.platform.startswith("linux") else cs336
