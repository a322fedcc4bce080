"""Each launch configuration under debugpy, from the click to the values that a learner looks at.

The tests are the editor: they substitute the variables, run the task that comes before, start what the
debugger asks a terminal for, set breakpoints and read the variable pane.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from cs336_basics import Tokenizer
from tests.integration.command import files_below
from tests.integration.debug_adapter import DebugSession
from tests.integration.vscode import LAUNCH, ROOT, copy_workspace, launch_configuration, run_task

TEST_FILE = """\
import torch
import mine
from cs336_basics import TransformerLM

def test_logits():
    model = TransformerLM(
        vocab_size=11, context_length=7, d_model=12, num_layers=1, num_heads=3, d_ff=13
    )
    assert model(torch.arange(10).reshape(2, 5)).shape == (2, 5, 11)
"""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A line to stop at, the one after it (by their beginnings), and tensors that the pane must show."""

    file: str
    function: str
    line: str
    next_line: str
    variables: dict[str, str]


def rope(batch: int, seq: int, heads: int, d_head: int) -> Place:
    by_head, pairs = f"({batch}, {heads}, {seq}, {d_head})", f"({batch}, {heads}, {seq}, {d_head // 2})"
    here = f"(1, {seq}, {d_head // 2}) float32"
    return Place(
        file="cs336_basics/functional/rope.py",
        function="rope",
        line="rotated = torch.stack((rotated_even, rotated_odd)",
        next_line="return rearrange(rotated, ",
        variables={
            "x": f"{by_head} float32",
            **dict.fromkeys(("even", "odd", "rotated_even", "rotated_odd"), f"{pairs} float32"),
            **dict.fromkeys(("cos_here", "sin_here"), here),
            "token_positions": f"(1, {seq}) int64",
        },
    )


def attention(batch: int, seq: int, heads: int, d_head: int) -> Place:
    by_head, by_pair = f"({batch}, {heads}, {seq}, {d_head})", f"({batch}, {heads}, {seq}, {seq})"
    return Place(
        file="cs336_basics/functional/attention.py",
        function="scaled_dot_product_attention",
        line="attended = weights @ values",
        next_line="return attended.to(q.dtype)",
        variables={
            **dict.fromkeys(("q", "k", "v", "queries", "keys", "values"), f"{by_head} float32"),
            **dict.fromkeys(("scores", "weights"), f"{by_pair} float32"),
            "mask": f"({seq}, {seq}) bool",
        },
    )


def block(batch: int, seq: int, heads: int, d_head: int) -> Place:
    return Place(
        file="cs336_basics/nn/block.py",
        function="TransformerBlock.forward",
        line="x = x + self.ffn(self.ln2(x))",
        next_line="return x",
        variables={"x": f"({batch}, {seq}, {heads * d_head}) float32"},
    )


def lines_of(place: Place, workspace: Path) -> tuple[int, int]:
    """Return the numbers of the line and of the one after it."""
    lines = (workspace / place.file).read_text(encoding="utf-8").splitlines()
    number = next(i for i, line in enumerate(lines, start=1) if line.strip().startswith(place.line))
    assert lines[number].strip().startswith(place.next_line)
    return number, number + 1


class Stepping:
    """A session with breakpoints at the three places that all tests visit, in the order of a forward pass."""

    def __init__(self, name: str, workspace: Path, *sizes: int, file: Path | None = None) -> None:
        self.workspace = workspace
        self.places = [rope(*sizes), attention(*sizes), block(*sizes)]
        breakpoints = {workspace / place.file: [lines_of(place, workspace)[0]] for place in self.places}
        configuration = launch_configuration(name, workspace, file)
        self.session = DebugSession(configuration, workspace.parent, breakpoints)

    def check_each_place(self) -> dict[str, dict[str, str]]:
        """Let the program, which is about to go to the first place, visit all; return what the pane shows."""
        shown = {}
        frame = self.session.wait_for_stop()
        for place in self.places:
            line, next_line = lines_of(place, self.workspace)
            while Path(frame["source"]["path"]) != self.workspace / place.file:
                frame = self.session.go("continue")
            assert (frame["name"], frame["line"]) == (place.function.split(".")[-1], line)
            shown[place.function] = self.session.variables(frame)
            for name, expected in place.variables.items():
                assert shown[place.function][name].startswith(f"{expected} cpu: "), name
            frame = self.session.go("next")
            assert (frame["name"], frame["line"]) == (place.function.split(".")[-1], next_line)
        self.check_interpreter(frame)
        return shown

    def check_interpreter(self, frame: dict) -> None:
        for name in ("executable", "prefix"):
            assert self.session.evaluate(f"__import__('sys').{name}", frame) == repr(getattr(sys, name))

    def run_to_the_end(self) -> str:
        """Go on without breakpoints; return what was printed."""
        for place in self.places:
            self.session.set_breakpoints(self.workspace / place.file, [])
        code, printed = self.session.run_to_the_end()
        assert code == 0, printed
        return printed


def test_stepping_through_one_forward_pass(tmp_path):
    workspace = copy_workspace(tmp_path)
    stepping = Stepping("Step through one forward pass", workspace, 1, 23, 4, 4)
    with stepping.session as session:
        frame = session.wait_for_stop()
        source = Path(frame["source"]["path"]).read_text(encoding="utf-8").splitlines()
        assert source[frame["line"] - 1].strip() == "logits = model(ids)"
        assert session.variables(frame)["ids"] == "(1, 23) int64 cpu: mean 86.91, std 33.01, from 32 to 116"
        frame = session.go("stepIn")
        assert Path(frame["source"]["path"]) == workspace / "cs336_basics/nn/transformer_lm.py"
        assert frame["name"] == "forward"

        session.request("continue", threadId=session.thread)
        shown = stepping.check_each_place()["scaled_dot_product_attention"]
        # Each of the 23 rows of weights sums to 1, and the first has only one weight.
        assert shown["weights"].startswith("(1, 4, 23, 23) float32 cpu: mean 0.04348, std ")
        assert shown["weights"].endswith(", from 0 to 1, all finite")
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        for name in ("weights", "mask"):
            assert f"\n{name:<8} {shown[name]}\n" in readme
        check_other_views_of("x", session)


def check_other_views_of(tensor: str, session: DebugSession) -> None:
    """A watch and the mouse pointer show what the pane shows, the console the numbers, or that if asked."""
    frame = session.top_frame()
    line = session.variables(frame)[tensor]
    for context in ("watch", "hover"):
        assert session.evaluate(tensor, frame, context) == line
    for context in ("repl", "clipboard"):
        assert session.evaluate(tensor, frame, context).startswith("tensor([[[")
    summary = f"__import__('cs336_basics.debug').debug.describe_tensor({tensor})"
    assert session.evaluate(summary, frame) == repr(line)
    weight = session.evaluate("self.ln1.weight", frame, "watch")
    assert weight == "Parameter (16,) float32 cpu: mean 1, std 0, from 1 to 1, all finite"
    assert session.evaluate(f"{tensor} * float('nan')", frame, "watch") == "(1, 23, 16) float32 cpu: 368 NaN"


@pytest.mark.endurance
def test_debugging_the_current_test_file(tmp_path, monkeypatch):
    # What PYTHONPATH names already stays on the path.
    (tmp_path / "modules of mine").mkdir()
    (tmp_path / "modules of mine/mine.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules of mine"))
    workspace = copy_workspace(tmp_path)
    file = workspace / "tests/test_logits.py"
    file.parent.mkdir()
    file.write_text(TEST_FILE)
    stepping = Stepping("Debug current test file", workspace, 2, 5, 3, 4, file=file)
    with stepping.session:
        stepping.check_each_place()
        assert "1 passed" in stepping.run_to_the_end()


@pytest.mark.endurance
def test_training_a_tiny_model(tmp_path):
    workspace = copy_workspace(tmp_path)
    before = files_below(workspace)
    stepping = Stepping("Train a tiny model", workspace, 16, 64, 4, 16)
    with stepping.session:
        stepping.check_each_place()
        assert "step 200: validation loss" in stepping.run_to_the_end()
    assert {path for path in files_below(workspace) if "__pycache__" not in path} == before


@pytest.mark.endurance
def test_generating_from_a_run_after_its_task(quick_cs336, tmp_path):
    name = "Generate from a run"
    workspace = copy_workspace(tmp_path)
    run_task(LAUNCH[name]["preLaunchTask"], workspace)
    run = workspace / "runs/tiny"
    seq = len(Tokenizer.from_folder(run / "tokenizer").encode("The"))
    stepping = Stepping(name, workspace, 1, seq, 4, 16)
    with stepping.session:
        stepping.check_each_place()
        printed = stepping.run_to_the_end()
    assert printed.startswith("The")
    assert printed == quick_cs336("generate", run, *LAUNCH[name]["args"][1:], cwd=workspace).stdout
