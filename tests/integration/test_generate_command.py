"""`cs336 generate` while it writes: in a pipe and on a terminal, whole processes."""

import io
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cs336_basics.cli.generate import Generate, converse, print_pieces
from tests.integration.command import ONE_THREAD
from tests.integration.cycling_run import CYCLE, write_cycling_run

WITHOUT_END = ("--temperature", "0", "--max-new-tokens", "1000000", "--device", "cpu")
SECONDS = 60


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cycling") / "run"
    write_cycling_run(folder)
    return folder


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "cs336_basics", "generate", *map(str, arguments)]


def read_until(file: int, expected: bytes) -> bytes:
    """Read what the other side has written, up to where it ends with `expected`."""
    output = b""
    deadline = time.monotonic() + SECONDS
    while not output.endswith(expected):
        ready, _, _ = select.select([file], [], [], deadline - time.monotonic())
        assert ready, output[-200:]
        data = os.read(file, 1)
        assert data, output[-200:]
        output += data
    return output


def test_text_comes_while_the_model_writes_and_ctrl_c_ends_it(run):
    with subprocess.Popen(
        command(run, "--prompt", "xyz", *WITHOUT_END),
        env=ONE_THREAD, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        beginning = read_until(process.stdout.fileno(), 3 * CYCLE.encode())
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=SECONDS)
    text = (beginning + output).decode()
    assert text.startswith("xyz" + 3 * CYCLE)
    assert text.endswith("\n")
    assert process.returncode == 130
    assert errors == b"interrupted\n"


def greedy(run: Path, **options) -> None:
    Generate(run=run, temperature=0.0, device="cpu", **options).execute()


def test_several_prompts_from_a_pipe_until_it_ends(run, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("x\n\ny\n"))
    greedy(run, interactive=True, max_new_tokens=5)
    printed = capsys.readouterr()
    assert printed.out == "> aé\ufffd\n> > aé\ufffd\n> \n"
    assert printed.err.startswith("error: an empty prompt needs a tokenizer with <|endoftext|>;")


def test_several_samples_are_printed_at_the_end(run, capsys):
    greedy(run, prompt="x", num_samples=2, max_new_tokens=6)
    assert capsys.readouterr().out == f"x{CYCLE}\n------\nx{CYCLE}\n"


@pytest.mark.parametrize("overflow", ["recompute", "half"])
def test_both_rules_write_beyond_the_context_length(run, capsys, overflow):
    greedy(run, prompt="x", max_new_tokens=36, overflow=overflow)
    assert capsys.readouterr().out == f"x{6 * CYCLE}\n"


def press_ctrl_c_at_a_prompt(terminal: int) -> None:
    """Press it until there is an answer: `input` is deaf from writing its prompt to waiting for a line."""
    answered = False
    while not answered:
        os.write(terminal, b"\x03")
        read_until(terminal, b"^C")  # the terminal's echo
        answered, _, _ = select.select([terminal], [], [], 2)


def test_a_conversation_on_a_terminal(run):
    pty = pytest.importorskip("pty")  # not on Windows
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        command(run, "--interactive", *WITHOUT_END),
        env=ONE_THREAD,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C reaches the process
    )
    os.close(terminal)
    try:
        for prompt in (b"x", b"another"):
            read_until(controller, b"> ")
            os.write(controller, prompt + b"\n")
            read_until(controller, prompt + b"\r\n" + 3 * CYCLE.encode())
            os.write(controller, b"\x03")
        assert b"\r\n" in read_until(controller, b"> ")
        press_ctrl_c_at_a_prompt(controller)
        read_until(controller, b"interrupted\r\n")
        assert process.wait(timeout=SECONDS) == 130
    finally:
        process.kill()
        process.wait()
        os.close(controller)


@pytest.mark.parametrize("options", [{"prompt": "x"}, {"num_samples": 2}, {"prompt_ids": (1,)}], ids=str)
def test_interactive_with_what_it_asks_for_is_refused(options):
    with pytest.raises(ValueError, match="leave out --prompt, --prompt-ids and --num-samples"):
        Generate(run=Path("none"), interactive=True, **options).execute()


def answer_with(monkeypatch, *lines: str | type[BaseException]) -> None:
    """Let `input` return these lines, or raise."""
    remaining = iter(lines)

    def answer(prompt: str) -> str:
        print(prompt, end="")
        line = next(remaining)
        if isinstance(line, str):
            return line
        raise line

    monkeypatch.setattr("builtins.input", answer)


def test_a_conversation_ends_with_the_input(monkeypatch, capsys):
    answer_with(monkeypatch, "a", "b", EOFError)
    converse(lambda prompt: iter([prompt, prompt.upper()]))
    assert capsys.readouterr().out == "> aA\n> bB\n> \n"


def test_ctrl_c_at_the_prompt_is_for_the_command(monkeypatch):
    answer_with(monkeypatch, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        converse(lambda prompt: iter([]))


def test_ctrl_c_during_a_continuation_ends_only_that(monkeypatch, capsys):
    def interrupted(prompt):
        yield prompt
        raise KeyboardInterrupt

    answer_with(monkeypatch, "a", "b", EOFError)
    converse(interrupted)
    assert capsys.readouterr().out == "> a\n> b\n> \n"


def test_pieces_are_flushed_one_by_one(monkeypatch, capsys):
    flushed = []

    def pieces():
        for piece in ("a", "b"):
            yield piece
            flushed.append(capsys.readouterr().out)

    print_pieces("prompt ", pieces())
    assert flushed == ["prompt a", "b"]
