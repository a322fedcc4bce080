"""The commands in a Markdown file with what it says that they print, and how to run or only to read them.

`python -m tests.integration.console_blocks FILE` renews what stands below commands.
"""

import contextlib
import io
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.integration.command import ONE_THREAD
from tests.integration.vscode import ROOT

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# `uv run` does this once the environment is there, whatever the interpreter that the tests run under.
SHELL = """
uv() { shift; "$@"; }
python() { "$INTERPRETER" "$@"; }
cs336() { python -m cs336_basics "$@"; }
"""


class Example(NamedTuple):
    """A command and the lines that it prints; none where it is not meant to be run by tests."""

    command: str
    output: str


def read_examples(markdown: str) -> list[Example]:
    """Return what stands in the ```console blocks: `$ ` before a command, below it what it prints.

    Example: "$ echo 'a\\nb'\\na\\nb" -> command "echo 'a\\nb'", output "a\\nb\\n"
    """
    examples = []
    for block in BLOCK.findall(markdown):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines(keepends=True)
            length = next(end for end in range(1, len(lines) + 1) if is_whole("".join(lines[:end])))
            examples.append(Example("".join(lines[:length]).rstrip("\n"), "".join(lines[length:])))
    return examples


def is_whole(command: str) -> bool:
    """Say whether every quote is closed."""
    try:
        shlex.split(command)
    except ValueError:
        return False
    return True


def output_of(command: str) -> str:
    """Run a command in a shell, in the root of the repository, and return its standard output."""
    words = shlex.split(command)
    if words[:-1] == ["uv", "run", "python", "-c"]:
        return output_of_python(words[-1])
    result = subprocess.run(
        ["bash", "-c", SHELL + command],
        cwd=ROOT,
        env={**ONE_THREAD, "INTERPRETER": sys.executable, "PYTHONUTF8": "1", "LC_ALL": "C"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    return result.stdout


def output_of_python(code: str) -> str:
    """Run code in this process, which has loaded torch already: another one takes seconds for that."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    return printed.getvalue()


def words_of(command: str) -> list[str]:
    """Return the words of a command up to the first pipe."""
    words = shlex.split(command)
    return words[: words.index("|")] if "|" in words else words


def main(path: Path) -> None:
    """Renew the outputs; the sentences around them are for a person to read again."""
    markdown = path.read_text(encoding="utf-8")
    for command, output in read_examples(markdown):
        if output:
            renewed = output_of(command)
            markdown = markdown.replace(f"$ {command}\n{output}", f"$ {command}\n{renewed}")
    path.write_text(markdown, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
