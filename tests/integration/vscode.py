"""What VS Code makes of the files in `.vscode/`: variables substituted, tasks run, a workspace of its own."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.integration.command import ONE_THREAD

ROOT = Path(__file__).parents[2]
LAUNCH = {
    entry["name"]: entry for entry in json.loads((ROOT / ".vscode/launch.json").read_text())["configurations"]
}
TASKS = {task["label"]: task for task in json.loads((ROOT / ".vscode/tasks.json").read_text())["tasks"]}


def copy_workspace(folder: Path) -> Path:
    """Return a copy of the project, so that sessions write nothing into the real one."""
    workspace = folder / "a workspace"  # with a space, as many paths have one
    ignored = shutil.ignore_patterns("__pycache__")
    for name in (".vscode", "cs336_basics"):
        shutil.copytree(ROOT / name, workspace / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", workspace)
    return workspace


def launch_configuration(name: str, workspace: Path, file: Path | None = None) -> dict[str, Any]:
    """Return what the debugger gets: no variable is left, and PYTHONPATH has the environment's behind it.

    Python's debug extension appends PYTHONPATH so; every other variable of `env` replaces one.
    """
    variables = {
        "workspaceFolder": str(workspace),
        "command:python.interpreterPath": sys.executable,
        **({"file": str(file)} if file is not None else {}),
    }
    configuration = substitute(LAUNCH[name], variables)
    inherited = os.environ.get("PYTHONPATH")
    if inherited:
        configuration["env"]["PYTHONPATH"] += os.pathsep + inherited
    return configuration


def substitute(value: Any, variables: dict[str, str]) -> Any:
    """Replace each `${name}` in all strings; an unknown one is a `KeyError`."""
    if isinstance(value, str):
        return re.sub(r"\$\{(.+?)\}", lambda match: variables[match[1]], value)
    if isinstance(value, list):
        return [substitute(item, variables) for item in value]
    if isinstance(value, dict):
        return {name: substitute(item, variables) for name, item in value.items()}
    return value


def run_task(label: str, workspace: Path) -> None:
    """Run a task `uv run python ...` as uv does once the environment is there."""
    program, *arguments = TASKS[label]["command"].removeprefix("uv run ").split()
    assert program == "python"
    subprocess.run(
        [sys.executable, *arguments],
        cwd=workspace,
        env=ONE_THREAD,
        check=True,
        capture_output=True,
        timeout=200,
    )
