"""Run a checkout of the course's repository against our adapters: `uv run python -m tests.official PATH`.

What follows PATH goes to pytest: `uv run python -m tests.official ../assignment1-basics -k rope`. The
checkout's `tests/` is copied to a temporary folder, where our `adapters.py` takes the place of its own;
neither the checkout nor this repository is written to. The exit status is that of pytest.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

OUR_ADAPTERS = Path(__file__).parent / "adapters.py"
USAGE = "usage: python -m tests.official PATH [pytest arguments], PATH being a checkout of the course"


def main(arguments: Sequence[str]) -> int:
    """Run the suite that the first argument names; return the exit status."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, file=sys.stderr)
        return 0 if arguments else 2
    try:
        suite = find_suite(Path(arguments[0]))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="cs336-official-") as folder:
        place = Path(folder).resolve()
        copy_with_our_adapters(suite, place / "tests")
        return run_pytest(place, arguments[1:])


def find_suite(checkout: Path) -> Path:
    """Return the folder of the checkout's tests, or raise `ValueError` where there is none."""
    suite = checkout / "tests"
    if not suite.is_dir():
        raise ValueError(
            f"a checkout of the course has a folder tests but {checkout} has none; give the folder that "
            "git clone made"
        )
    if not any(suite.glob("test_*.py")):
        raise ValueError(f"the course's tests are files test_*.py but {suite} has none; check the path")
    return suite


def copy_with_our_adapters(suite: Path, destination: Path) -> None:
    """Copy the tests and what they read, and put our adapters in the place of theirs."""
    shutil.copytree(suite, destination, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(OUR_ADAPTERS, destination / "adapters.py")
    (destination / "__init__.py").touch()


def run_pytest(place: Path, arguments: Sequence[str]) -> int:
    """Run all tests at `place`, under no configuration but an empty one."""
    configuration = place / "pytest.ini"
    configuration.write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", f"--rootdir={place}", "-c", str(configuration), "tests"]
    return subprocess.run([*command, *arguments], cwd=place, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
