"""The editor's files: settings that agree with ours, tasks that are the commands of the README or CI."""

import json
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from tests.integration.command import ONE_THREAD
from tests.integration.vscode import LAUNCH, ROOT, TASKS, launch_configuration

EXTENSIONS = "cs336_basics/debug/debugpy_extensions"


@pytest.mark.parametrize("name", ["settings", "launch", "tasks", "extensions"])
def test_the_editors_files_are_plain_json(name):
    assert json.loads((ROOT / f".vscode/{name}.json").read_text())


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


def test_every_launch_configuration_shows_tensors():
    # One entry, so that no separator is needed, which is another one on Windows.
    for entry in LAUNCH.values():
        assert entry["env"] == {"PYTHONPATH": "${workspaceFolder}/" + EXTENSIONS}
    # What lies in a folder of PYTHONPATH can be imported by its bare name: nothing else may lie there.
    found = {path.name for path in (ROOT / EXTENSIONS).iterdir()} - {"__pycache__"}
    assert found == {"pydevd_plugins"}


ENDURANCE = """\
import pytest

@pytest.mark.endurance
def test_something():
    pass
"""


def test_the_current_test_file_is_run_also_where_its_tests_are_left_out_by_default(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "test_it.py").write_text(ENDURANCE)
    entry = launch_configuration("Debug current test file", tmp_path, tmp_path / "test_it.py")
    assert all(entry["args"]), "some shells do not hand on an empty argument"
    result = subprocess.run(
        [sys.executable, "-m", entry["module"], *entry["args"]],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "1 passed in" in result.stdout


def test_settings_name_the_environments_interpreter():
    settings = json.loads((ROOT / ".vscode/settings.json").read_text())
    assert settings["python.defaultInterpreterPath"] == "${workspaceFolder}/.venv/bin/python"


def test_the_editor_checks_types_as_ci_does():
    settings = json.loads((ROOT / ".vscode/settings.json").read_text())
    checker = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["basedpyright"]
    assert settings["python.analysis.typeCheckingMode"] == checker["typeCheckingMode"] == "basic"
    assert "cs336_basics" in checker["include"]
    assert checker.keys() == {"include", "typeCheckingMode"}, "a rule that the editor would not know"
    assert "\nuv run basedpyright\n" in (ROOT / ".ci/run").read_text()


def test_the_readme_leads_to_a_breakpoint_in_six_steps_on_each_system():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("\n## In the debugger\n")[2].partition("\n## ")[0]
    steps = [line for line in section.splitlines() if re.match(r"\d+\. ", line)]
    assert 1 <= len(steps) <= 6
    for path in (".venv/bin/python", ".venv\\Scripts\\python.exe", "cs336_basics\\functional\\attention.py"):
        assert f"`{path}`" in section
    for name in LAUNCH:
        assert f'"{name}"' in section
    code = (ROOT / "cs336_basics/functional/attention.py").read_text(encoding="utf-8")
    assert "`attended = weights @ values`" in section
    assert "    attended = weights @ values\n" in code


def test_tasks_are_the_commands_of_ci():
    script = (ROOT / ".ci/run").read_text()
    for label in ("test", "lint", "types"):
        for command in TASKS[label]["command"].split(" && "):
            assert f"\n{command}\n" in script


@pytest.mark.endurance
def test_in_a_terminal_the_forward_pass_stops_in_pdb(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", LAUNCH["Step through one forward pass"]["module"]],
        cwd=tmp_path, input="p ids.shape\nc\n", capture_output=True, text=True, timeout=200,
        env={**ONE_THREAD, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    # From Python 3.13 on, pdb stops at the call of breakpoint() itself; debugpy behind it, as before.
    expected = "-> breakpoint()" if sys.version_info >= (3, 13) else "-> logits = model(ids)"
    assert expected in result.stdout
    assert "torch.Size([1, 23])" in result.stdout
    assert "logits of shape (1, 23, 256)" in result.stdout
