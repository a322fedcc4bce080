import os
import subprocess
import sys

import pytest

PROGRAM = """
from cs336_basics.cli.unread_output import quiet_end_if_unread
with quiet_end_if_unread():
    print("x" * 100)
    {what}
"""


def run(what, stdout):
    program = [sys.executable, "-c", PROGRAM.format(what=what)]
    return subprocess.run(program, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60)


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no broken pipes")
def test_output_that_nobody_reads_is_a_quiet_end():
    reader, writer = os.pipe()
    os.close(reader)
    ended = run("pass", writer)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.skipif(os.name == "nt", reason="Windows does not tell whether somebody reads")
def test_another_pipe_that_breaks_is_an_error_while_the_output_is_read():
    ended = run("raise BrokenPipeError('another')", subprocess.PIPE)
    assert ended.returncode == 1
    assert ended.stderr.endswith("BrokenPipeError: another\n")
    assert ended.stdout == "x" * 100 + "\n"
