"""The wheel holds every file of the package, those that a debugger imports included."""

import shutil
import subprocess
import zipfile

import pytest

from tests.integration.command import files_below
from tests.integration.vscode import ROOT

PACKAGE = ROOT / "cs336_basics"
PLUGIN = "debug/debugpy_extensions/pydevd_plugins/extensions/pydevd_plugin_tensors.py"


@pytest.mark.endurance
def test_the_wheel_has_all_files_of_the_package(tmp_path):
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv, which builds the wheel, is not installed")
    result = subprocess.run(
        [uv, "build", "--wheel", "--offline", "--out-dir", tmp_path, ROOT],
        capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    if "because hatchling was not found in the cache" in " ".join(result.stderr.split()):
        pytest.skip("hatchling, which uv builds with, is not in uv's cache")
    assert result.returncode == 0, result.stderr
    (wheel,) = tmp_path.glob("*.whl")
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("cs336_basics/")}
    files = {
        path for path in files_below(PACKAGE) if (PACKAGE / path).is_file() and "__pycache__" not in path
    }
    assert shipped == {f"cs336_basics/{path}" for path in files}
    assert PLUGIN in files
