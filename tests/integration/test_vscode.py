"""The editor's files: every launch configuration starts, every task is a command of the README or CI."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.command import ONE_THREAD, cs336
from tests.integration.debug_adapter import DebugSession

ROOT = Path(__file__).parents[2]
LAUNCH = {
    entry["name"]: entry for entry in json.loads((ROOT / ".vscode/launch.json").read_text())["configurations"]
}
TASKS = {task["label"]: task for task in json.loads((ROOT / ".vscode/tasks.json").read_text())["tasks"]}


def launch(
    name: str, folder: Path, *, stdin: str = "", **substitutions: str
) -> subprocess.CompletedProcess[str]:
    """Run a launch configuration's command line in `folder`."""
    entry = LAUNCH[name]
    given: list[str] = entry.get("args", [])
    arguments = [substitutions.get(argument, argument) for argument in given]
    return subprocess.run(
        [sys.executable, "-m", entry["module"], *arguments],
        cwd=folder, input=stdin, capture_output=True, text=True, timeout=200,
        env={**ONE_THREAD, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_every_launch_configuration_takes_the_chosen_interpreter():
    assert set(LAUNCH) == {
        "Debug current test file",
        "Step through one forward pass",
        "Train a tiny model",
        "Generate from a run",
    }
    for entry in LAUNCH.values():
        assert entry["python"] == "${command:python.interpreterPath}"
        assert entry["type"] == "debugpy"
        assert entry.get("preLaunchTask", "test") in TASKS


def test_settings_name_the_environments_interpreter():
    settings = json.loads((ROOT / ".vscode/settings.json").read_text())
    assert settings["python.defaultInterpreterPath"] == "${workspaceFolder}/.venv/bin/python"
    assert settings["python.analysis.typeCheckingMode"] == "basic"


def test_tasks_are_the_commands_of_ci():
    script = (ROOT / ".ci/run").read_text()
    for label in ("test", "lint", "types"):
        for command in TASKS[label]["command"].split(" && "):
            assert f"\n{command}\n" in script


def test_forward_pass_stops_before_the_model_is_called(tmp_path):
    result = launch("Step through one forward pass", tmp_path, stdin="p ids.shape\nc\n")
    assert result.returncode == 0, result.stderr
    # From Python 3.13 on, pdb stops at the call of breakpoint() itself; debugpy behind it, as before.
    expected = "-> breakpoint()" if sys.version_info >= (3, 13) else "-> logits = model(ids)"
    assert expected in result.stdout
    assert "torch.Size([1, 23])" in result.stdout
    assert "logits of shape (1, 23, 256)" in result.stdout


@pytest.mark.endurance
def test_a_tiny_model_trains_in_a_temporary_folder(tmp_path):
    result = launch("Train a tiny model", tmp_path)
    assert result.returncode == 0, result.stderr
    assert "step 200: validation loss" in result.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.endurance
def test_generate_from_a_run_works_after_its_task(tmp_path):
    program, *arguments = TASKS["make a tiny run"]["command"].removeprefix("uv run ").split()
    assert program == "python"
    subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        env=ONE_THREAD,
        check=True,
        capture_output=True,
        timeout=200,
    )
    result = launch("Generate from a run", tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("The")
    again = cs336(*LAUNCH["Generate from a run"]["args"], cwd=tmp_path)
    assert again.stdout == result.stdout


def test_debug_current_test_file_runs_a_test_file(tmp_path):
    (tmp_path / "test_something.py").write_text("def test_it():\n    pass\n")
    result = launch("Debug current test file", tmp_path, **{"${file}": "test_something.py"})
    assert result.returncode == 0, result.stdout
    assert "1 passed" in result.stdout


@pytest.mark.parametrize("name", ["settings", "launch", "tasks", "extensions"])
def test_the_editors_files_are_plain_json(name):
    assert json.loads((ROOT / f".vscode/{name}.json").read_text())


def test_one_step_into_from_where_the_debugger_stops_lands_in_the_models_forward():
    entry = LAUNCH["Step through one forward pass"]
    with DebugSession(module=entry["module"], cwd=str(ROOT)) as session:
        thread = session.wait_for("stopped")["threadId"]
        stopped = session.top_frame(thread)
        source = Path(stopped["source"]["path"]).read_text().splitlines()
        assert source[stopped["line"] - 1].strip() == "logits = model(ids)"
        session.request("stepIn", threadId=thread)
        session.wait_for("stopped")
        inside = session.top_frame(thread)
        assert Path(inside["source"]["path"]).parts[-2:] == ("nn", "transformer_lm.py")
        assert inside["name"].endswith("forward")
