"""Imports go strictly down: a file imports lower ranks and its own folder, and no folder runs in a circle."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import cs336_basics

PACKAGE = Path(cs336_basics.__file__).parent
RANKS = {
    **dict.fromkeys(["files", "functional"], 0),
    **dict.fromkeys(["tokenization", "optim", "nn", "data", "datasets", "checkpoint"], 1),
    **dict.fromkeys(["accounting", "evaluation", "generation"], 2),
    "training": 3,
    **dict.fromkeys(["inspection", "quickstart", "export"], 4),
    "experiments": 5,
    **dict.fromkeys(["debug", "cli"], 6),
    "__main__.py": 7,
}
THIRD_PARTIES = {"torch", "einops", "jaxtyping", "numpy", "regex", "tqdm"}
ONLY_IN = {
    "tyro": {"cli"},
    "matplotlib": {"training", "experiments"},
    "safetensors": {"checkpoint", "nn/pretrained", "export"},
    "numba": {"optim"},
    "filelock": {"files"},
    "tiktoken": {"tokenization"},
    "tokenizers": {"tokenization"},
    "_pydevd_bundle": {"debug"},  # there inside a debugger
    "wandb": {"training"},
}


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the full name of everything imported anywhere in the file, except for type checkers only."""
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the package: write `from cs336_basics...`"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def violations(file: str, source: str) -> list[str]:
    """Return the imports that `file`, a path below the package, may not make."""
    folder = file.split("/")[0]
    found = []
    for name in imports(ast.parse(source)):
        top, *rest = name.split(".")
        if top == "cs336_basics":
            target = rest[0] if rest else ""
            allowed = target == folder or RANKS.get(target, 99) < RANKS.get(folder, 0)
        else:
            allowed = top in sys.stdlib_module_names or is_let_in(top, file)
        if not allowed:
            found.append(name)
    return found


def is_let_in(package: str, file: str) -> bool:
    """Say whether `file` may import a package from elsewhere."""
    return package in THIRD_PARTIES or any(file.startswith(f"{f}/") for f in ONLY_IN.get(package, ()))


@cache  # each file is a test
def package_files() -> dict[str, str]:
    paths = sorted(PACKAGE.rglob("*.py"))
    return {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def folder_graph(files: dict[str, str]) -> dict[str, set[str]]:
    """Return which file of its own folder each file imports."""
    graph: dict[str, set[str]] = {}
    for file, source in files.items():
        graph[file] = set()
        for name in imports(ast.parse(source)):
            parts = name.split(".")[1:]
            candidates = {"/".join(parts) + ".py", "/".join(parts[:-1]) + ".py"}
            same_folder = {f for f in candidates & files.keys() if f.split("/")[0] == file.split("/")[0]}
            graph[file] |= same_folder if name.startswith("cs336_basics.") else set()
    return graph


@pytest.mark.parametrize("file", package_files())
def test_file_imports_only_what_is_below_it(file):
    assert violations(file, package_files()[file]) == []


def test_no_folder_imports_in_a_circle():
    tuple(TopologicalSorter(folder_graph(package_files())).static_order())


def test_every_folder_has_a_rank():
    folders = {file.split("/")[0] for file in package_files() if "/" in file}
    assert folders - RANKS.keys() == set()


def test_the_package_itself_has_no_other_files():
    assert {file for file in package_files() if "/" not in file} <= {"__init__.py", "__main__.py"}


@pytest.mark.parametrize(
    ("file", "source", "found"),
    [
        ("nn/a.py", "from cs336_basics.training.loop import train", "cs336_basics.training.loop.train"),
        ("nn/a.py", "def f():\n    import cs336_basics.cli.main", "cs336_basics.cli.main"),
        ("nn/a.py", "from cs336_basics.optim.adamw import AdamW", "cs336_basics.optim.adamw.AdamW"),
        ("nn/a.py", "from cs336_basics import softmax", "cs336_basics.softmax"),
        ("nn/a.py", "import cs336_basics", "cs336_basics"),
        ("nn/a.py", "import tyro", "tyro"),
        ("training/a.py", "from safetensors.torch import load_file", "safetensors.torch.load_file"),
        ("nn/a.py", "from safetensors.torch import load_file", "safetensors.torch.load_file"),
        ("cli/a.py", "from matplotlib import pyplot", "matplotlib.pyplot"),
        ("optim/a.py", "import transformers", "transformers"),
        ("unknown/a.py", "from cs336_basics.files.text import a", "cs336_basics.files.text.a"),
    ],
)
def test_checker_finds(file, source, found):
    assert violations(file, source) == [found]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("cli/a.py", "import tyro\nfrom cs336_basics.training.loop import train"),
        ("training/a.py", "from matplotlib import pyplot\nimport numpy as np\nimport tqdm"),
        ("checkpoint/a.py", "from safetensors.torch import load_file\nimport torch"),
        ("nn/pretrained/a.py", "from safetensors import safe_open\nfrom cs336_basics.nn.rope import f"),
        ("nn/a.py", "import math\nfrom cs336_basics.nn import init\nfrom einops import einsum"),
        ("__init__.py", "if TYPE_CHECKING:\n    from cs336_basics.nn.linear import Linear"),
    ],
)
def test_checker_accepts(file, source):
    assert violations(file, source) == []


def test_checker_finds_a_circle():
    files = {
        "nn/a.py": "from cs336_basics.nn.b import f",
        "nn/b.py": "def f():\n    from cs336_basics.nn import a",
    }
    with pytest.raises(CycleError):
        tuple(TopologicalSorter(folder_graph(files)).static_order())
