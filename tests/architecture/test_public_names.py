import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import cs336_basics

REPOSITORY = Path(__file__).parents[2]
PACKAGE = Path(cs336_basics.__file__).parent
TABLE = cs336_basics._MODULE_OF

# What the library promises to be importable from the package itself.
PROMISED = {
    "AdamW",
    "Embedding",
    "KeyValueCache",
    "Linear",
    "ModelConfig",
    "MultiHeadSelfAttention",
    "Muon",
    "RMSNorm",
    "SGD",
    "SwiGLU",
    "Tokenizer",
    "TransformerBlock",
    "TransformerLM",
    "clip_gradients",
    "constant_schedule",
    "cosine_schedule",
    "cross_entropy",
    "evaluate",
    "generate",
    "get_batch",
    "load_checkpoint",
    "rope",
    "rope_tables",
    "save_checkpoint",
    "scaled_dot_product_attention",
    "silu",
    "softmax",
    "stream_tokens",
    "train_bpe",
    "wsd_schedule",
}


def names_for_type_checkers() -> dict[str, str]:
    """Return name -> module of the imports under TYPE_CHECKING."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    names = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.asname == alias.name, "`import X as X` is what marks a name as public"
            names[alias.name] = node.module or ""
    return names


def fresh_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=240, check=False
    )


def test_public_names_are_the_same_for_type_checkers_and_at_run_time():
    assert names_for_type_checkers() == {name: f"cs336_basics.{module}" for name, module in TABLE.items()}
    assert list(TABLE) == sorted(TABLE)
    assert cs336_basics.__all__ == list(TABLE)


def test_public_names_include_what_is_promised():
    assert PROMISED - TABLE.keys() == set()


@pytest.mark.parametrize("name", TABLE)
def test_public_name_resolves_to_its_module_and_has_a_docstring(name):
    found = getattr(cs336_basics, name)
    assert found is getattr(importlib.import_module(f"cs336_basics.{TABLE[name]}"), name)
    assert inspect.isfunction(found) or inspect.isclass(found)
    assert found.__doc__
    assert not found.__doc__.startswith(f"{name}("), "a dataclass without a docstring gets its signature"


@pytest.mark.parametrize("name", TABLE)
def test_public_name_takes_device_and_dtype_by_keyword_only(name):
    function = getattr(cs336_basics, name)
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in ("device", "dtype") and name != "get_batch":  # the course's own signature
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'cs336_basics' has no attribute 'Lineer'"):
        cs336_basics.Lineer  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_every_public_definition_has_a_docstring():
    missing = []
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not ast.get_docstring(tree):
            missing.append(str(path))
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            is_overload = any(ast.unparse(d) == "overload" for d in node.decorator_list)
            if not ast.get_docstring(node) and not is_overload:
                missing.append(f"{path}: {node.name}")
    assert missing == []


@pytest.mark.parametrize(
    "statement",
    [
        "import cs336_basics",
        "import cs336_basics.tokenization",
        "from cs336_basics import Tokenizer, train_bpe",
        "from cs336_basics.accounting import estimate_memory",
    ],
)
def test_importing_the_package_or_what_needs_no_torch_loads_no_torch(statement):
    result = fresh_python(f"import sys\n{statement}\nprint(sorted({{'torch', 'tyro'}} & sys.modules.keys()))")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "[]\n"
