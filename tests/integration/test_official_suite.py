"""The course's suite is not ours to have: these tests write a small checkout of the same shape."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

COMMON = """\
import pathlib

FIXTURES_PATH = (pathlib.Path(__file__).resolve().parent) / "fixtures"
"""
CONFTEST = """\
import numpy as np
import pytest


@pytest.fixture
def expected():
    from .common import FIXTURES_PATH

    return np.load(FIXTURES_PATH / "expected.npy")
"""
TEST_MODEL = """\
import numpy as np
import torch

from .adapters import run_softmax
from .common import FIXTURES_PATH


def test_softmax(expected):
    logits = torch.tensor([0.0, np.log(3.0)])
    np.testing.assert_allclose(run_softmax(in_features=logits, dim=0).numpy(), expected, atol=1e-6)


def test_fixture_file():
    assert (FIXTURES_PATH / "corpus.txt").read_text() == "low lower"
"""
THEIR_ADAPTERS = """\
def run_softmax(in_features, dim):
    raise NotImplementedError
"""
# What the course's files may do and ours may not: warn, and pass what only nearly fits an annotation.
LENIENT_TEST = """\
import warnings

import numpy as np
import torch

from .adapters import run_get_lr_cosine_schedule, run_softmax


def test_model_that_warns_and_passes_other_types():
    warnings.warn("this is only a warning")
    probabilities = run_softmax(in_features=torch.tensor([2.0, 2.0]), dim=np.int64(0))
    assert probabilities.tolist() == [0.5, 0.5]
    assert run_get_lr_cosine_schedule(np.int64(0), 1, 0, 7, 21) == 0.0
"""
NOT_STRICT_ENOUGH = """\
import warnings

import numpy as np
import torch

from tests.adapters import run_softmax


def test_warning():
    warnings.warn("this is only a warning")


def test_type():
    run_softmax(torch.tensor([2.0, 2.0]), np.int64(0))
"""


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A folder like a clone of the course's repository, with adapters that nobody has filled in."""
    import numpy as np

    tests = tmp_path / "assignment1-basics" / "tests"
    (tests / "fixtures").mkdir(parents=True)
    files = {
        "__init__.py": "",
        "common.py": COMMON,
        "conftest.py": CONFTEST,
        "adapters.py": THEIR_ADAPTERS,
        "test_model.py": TEST_MODEL,
        "fixtures/corpus.txt": "low lower",
    }
    for name, content in files.items():
        (tests / name).write_text(content, encoding="utf-8")
    np.save(tests / "fixtures" / "expected.npy", np.array([0.25, 0.75], dtype=np.float32))
    return tests.parent


def python(*arguments: str, folder: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_official_suite_runs_on_our_adapters_and_under_none_of_our_settings(checkout):
    (checkout / "tests" / "test_lenient.py").write_text(LENIENT_TEST, encoding="utf-8")
    before = content_of(checkout)
    result = python("-m", "tests.official", str(checkout))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "3 passed, 1 warning" in result.stdout
    assert content_of(checkout) == before


@pytest.mark.endurance
def test_official_suite_that_fails_is_reported_by_the_exit_status(checkout):
    import numpy as np

    wrong = np.array([0.5, 0.5], dtype=np.float32)
    np.save(checkout / "tests" / "fixtures" / "expected.npy", wrong)
    result = python("-m", "tests.official", str(checkout), "-q", "-k", "softmax")  # the rest is pytest's
    assert result.returncode == 1, result.stdout + result.stderr
    assert "1 failed, 1 deselected" in result.stdout


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "has a folder tests but"),
        (lambda folder: (folder / "tests").mkdir(), "are files test_*.py but"),
    ],
    ids=["no folder", "no tests"],
)
def test_official_suite_of_another_folder_is_one_sentence(tmp_path, make, message):
    make(tmp_path)
    result = python("-m", "tests.official", str(tmp_path))
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_official_suite_without_a_path_says_how_to_call_it():
    result = python("-m", "tests.official")
    assert result.returncode == 2
    assert result.stderr.startswith("usage: python -m tests.official PATH")


@pytest.fixture
def repository_copy(tmp_path) -> Path:
    """Our tests and settings in a folder of their own, as in a clone."""
    ignore = shutil.ignore_patterns("__pycache__", ".hypothesis")
    shutil.copytree(REPOSITORY / "tests", tmp_path / "clone" / "tests", ignore=ignore)
    shutil.copyfile(REPOSITORY / "pyproject.toml", tmp_path / "clone" / "pyproject.toml")
    return tmp_path / "clone"


@pytest.mark.endurance
def test_official_files_copied_over_ours_are_not_checked_strictly(repository_copy, checkout):
    adapters = (repository_copy / "tests" / "adapters.py").read_bytes()
    shutil.copytree(checkout / "tests", repository_copy / "tests", dirs_exist_ok=True)
    (repository_copy / "tests" / "adapters.py").write_bytes(adapters)
    (repository_copy / "tests" / "test_lenient.py").write_text(LENIENT_TEST, encoding="utf-8")
    # One file of ours in the same run, so that its checks are switched on around it.
    ours = "tests/unit/functional/test_precision.py"
    files = ["tests/test_model.py", ours, "tests/test_lenient.py"]
    result = python("-m", "pytest", "-q", *files, folder=repository_copy)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 warning" in result.stdout


def test_files_in_our_own_folders_are_checked_strictly(repository_copy):
    path = repository_copy / "tests" / "unit" / "test_strict.py"
    path.write_text(NOT_STRICT_ENOUGH, encoding="utf-8")
    result = python("-m", "pytest", "-q", str(path), folder=repository_copy)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "2 failed" in result.stdout
    assert "UserWarning: this is only a warning" in result.stdout
    assert "TypeCheckError" in result.stdout
