"""`cs336 tokens` as a user sees it: in a pipe, and on a terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.command import ONE_THREAD, cs336

TEXT = "The naïve\tway <|endoftext|>"
ENVIRONMENT = {name: value for name, value in ONE_THREAD.items() if name not in ("COLUMNS", "NO_COLOR")}


def output_on_a_terminal(*arguments: str | Path, env: dict[str, str], columns: int) -> str:
    """Return what the command writes to a terminal of so many columns."""
    pty = pytest.importorskip("pty")  # not on Windows
    termios = pytest.importorskip("termios")
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (50, columns))
    process = subprocess.Popen(
        [sys.executable, "-m", "cs336_basics", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=subprocess.STDOUT,
        env=env,
    )
    os.close(terminal)
    output = b""
    while True:
        try:
            data = os.read(controller, 4096)
        except OSError:  # how Linux says that nobody has the other end any more
            break
        if not data:
            break
        output += data
    os.close(controller)
    assert process.wait(timeout=60) == 0, output
    return output.decode().replace("\r\n", "\n")


def test_tokens_of_a_text_are_plain_in_a_pipe(prepared, tmp_path):
    result = cs336("tokens", TEXT, "--tokenizer", prepared / "tokenizer", cwd=tmp_path, env=ENVIRONMENT)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert "<C3> <AF>" in lines[0]
    assert "⇥" in lines[0]
    assert "\x1b" not in result.stdout
    assert lines[-1].startswith("27 characters, 28 bytes, 5 pre-tokens, 1 special token, ")
    assert max(map(len, lines[:-2])) <= 80


def test_tokens_are_in_colors_on_a_terminal_only_and_keep_to_its_width(prepared):
    arguments = ("tokens", TEXT, "--tokenizer", prepared / "tokenizer")
    colored = output_on_a_terminal(*arguments, env=ENVIRONMENT, columns=40)
    assert "\x1b[97;45m<|endoftext|>\x1b[0m" in colored
    plain = output_on_a_terminal(*arguments, env={**ENVIRONMENT, "NO_COLOR": "1"}, columns=40)
    assert "\x1b" not in plain
    blocks = plain.split("\n\n")[:-2]
    assert len(blocks) > 1
    assert max(len(line) for block in blocks for line in block.split("\n")) <= 40


def test_tokens_of_the_standard_input(prepared, tmp_path):
    command = [sys.executable, "-m", "cs336_basics", "tokens", "-", "--tokenizer", prepared / "tokenizer"]
    result = subprocess.run(command, input="é\r\n".encode(), capture_output=True, cwd=tmp_path, timeout=60)
    assert result.returncode == 0, result.stderr
    shown = result.stdout.decode()
    assert "␍" in shown
    assert "3 characters, 4 bytes" in shown
    result = subprocess.run(command, input=b"a\xff", capture_output=True, cwd=tmp_path, timeout=60)
    assert result.returncode == 1
    assert b"the standard input has byte 0xff at position 1" in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no broken pipes")
@pytest.mark.parametrize("arguments", [("tokens", TEXT, "--tokenizer"), ("tokens", "--help")], ids=len)
def test_output_that_nobody_reads_ends_the_command_quietly(prepared, arguments):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "cs336_basics", *arguments, prepared / "tokenizer"]
    result = subprocess.run(
        command, stdout=writer, stderr=subprocess.PIPE, env=ENVIRONMENT, timeout=60, check=False
    )
    os.close(writer)
    assert (result.returncode, result.stderr) == (141, b"")


def test_tokens_of_nothing_are_counted(prepared, quick_cs336, tmp_path):
    result = quick_cs336("tokens", "", "--tokenizer", prepared / "tokenizer", cwd=tmp_path)
    assert result.stdout == "0 characters, 0 bytes, 0 pre-tokens, 0 tokens\n"


def test_tokens_by_a_missing_tokenizer_are_an_error(quick_cs336, tmp_path):
    result = quick_cs336("tokens", "a", "--tokenizer", "none", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("error: expected a text file but found none at none")
