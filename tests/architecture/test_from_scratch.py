"""What the package may take from torch: its tensors and functions, but no ready-made part of a model."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import cs336_basics

PACKAGE = Path(cs336_basics.__file__).parent

FROM_TORCH_NN = {
    "Module",
    "ModuleDict",
    "ModuleList",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "Sequential",
    "init",
}
FROM_TORCH_OPTIM = {"Optimizer"}
# Ready-made forms that live, or are repeated, outside torch.nn: as functions, under torch.special and the
# like, or as methods of a tensor. A leading underscore or `native_` changes nothing.
READY_MADE = {
    "batch_norm",
    "clip_grad_norm_",
    "cross_entropy",
    "cross_entropy_loss",
    "dropout",
    "embedding",
    "embedding_bag",
    "gelu",
    "group_norm",
    "layer_norm",
    "log_softmax",
    "multi_head_attention",
    "nll_loss",
    "rms_norm",
    "scaled_dot_product_attention",
    "silu",
    "silu_",
    "softmax",
    "softmin",
}
METHODS = {"softmax", "log_softmax"}
FORBIDDEN_BEGINNINGS = (
    "torch._C",
    "torch._VF",
    "torch._decomp",
    "torch._fused_",
    "torch._refs",
    "torch._scaled_dot_product",
    "torch.distributed.fsdp",
    "torch.nn.functional",
    "torch.ops",
)
ALLOWED_FOR_A_REASON: dict[str, dict[str, str]] = {
    "functional/packed_product.py": {
        "torch.ops": "the way to the following",
        "torch.ops.mkldnn": "a matrix product, and the layout of a matrix for it: no part of a model",
        "torch.ops.mkldnn._linear_pointwise": "that product, with no activation behind it",
        "torch.ops.mkldnn._reorder_linear_weight": "that layout",
    },
    "nn/sdpa_attention.py": {
        "torch.nn.functional.scaled_dot_product_attention": "to compare with; only attention='sdpa' uses it"
    },
    "training/parallel/data_parallel.py": {
        "torch.nn.parallel.DistributedDataParallel": "an engine for several processes, no part of a model",
    },
    "training/parallel/fully_sharded.py": {
        "torch.distributed.fsdp.FSDPModule": "the type of what fully_shard has treated",
        "torch.distributed.fsdp.fully_shard": "an engine for several processes, no part of a model",
        "torch.distributed.fsdp.register_fsdp_forward_method": "belongs to fully_shard",
    },
}
"""{file: {name: reason}}"""


def forbidden_names(source: str) -> set[str]:
    """Return everything in `source` that is ready-made, by its full name."""
    tree = ast.parse(source)
    full_names = dict(imported_names(tree))
    used = set(full_names.values()) | set(imported_modules(tree))
    roots = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            used.add(dotted(node, full_names))
        elif isinstance(node, ast.Name) and id(node) not in roots and isinstance(node.ctx, ast.Load):
            used.add(f"{full_names.get(node.id, '?')} itself")
        elif isinstance(node, ast.Call):
            used |= set(named_in_strings(node, full_names))
    return {name for name in used if is_forbidden(name)}


def imported_names(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield (name in this file, full name) for what the file imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (root, root)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def imported_modules(tree: ast.AST) -> Iterator[str]:
    """Yield the full names in `import a.b.c`, of which the file itself only sees `a`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def dotted(node: ast.expr, full_names: dict[str, str]) -> str:
    """Return the full name of `a.b.c`, or `?.b.c` where `a` is not something imported."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value, full_names)}.{node.attr}"
    return full_names.get(node.id, "?") if isinstance(node, ast.Name) else "?"


def named_in_strings(call: ast.Call, full_names: dict[str, str]) -> Iterator[str]:
    """Yield the module that `import_module("...")`, or the method that `getattr(x, "...")`, asks for."""
    name = dotted(call.func, full_names) if isinstance(call.func, ast.Attribute) else None
    name = call.func.id if isinstance(call.func, ast.Name) else name
    strings = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    if name in ("importlib.import_module", "import_module", "__import__"):
        yield from strings
    elif name == "getattr":
        yield from (f"?.{string}" for string in strings)


def is_forbidden(name: str) -> bool:
    if name.endswith(" itself"):  # a module that is handed on could be asked for anything
        return name.removesuffix(" itself") in ("torch", "torch.nn", "torch.optim")
    if name.startswith(FORBIDDEN_BEGINNINGS):
        return True
    first, *rest = name.split(".")
    last = rest[-1].removeprefix("_").removeprefix("native_") if rest else ""
    if first == "torch":
        if rest[:1] == ["nn"] and len(rest) > 1:
            return rest[1] not in FROM_TORCH_NN
        if rest[:1] == ["optim"] and len(rest) > 1:
            return rest[1] not in FROM_TORCH_OPTIM
        return last in READY_MADE or last == "*"
    return first != "cs336_basics" and last in METHODS


@cache  # each file is a test
def package_files() -> dict[str, Path]:
    return {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}


@pytest.mark.parametrize("file", package_files())
def test_file_is_from_scratch(file):
    found = forbidden_names(package_files()[file].read_text(encoding="utf-8"))
    assert found - set(ALLOWED_FOR_A_REASON.get(file, {})) == set()


def test_no_exception_is_left_unused():
    for file, names in ALLOWED_FOR_A_REASON.items():
        assert file in package_files(), file
        found = forbidden_names(package_files()[file].read_text(encoding="utf-8"))
        for name, reason in names.items():
            assert name in found, f"{file} does not use {name} any more"
            assert reason


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import torch\ntorch.softmax(x, -1)", "torch.softmax"),
        ("import torch as t\nt.softmax(x, -1)", "torch.softmax"),
        ("from torch import softmax", "torch.softmax"),
        ("from torch import log_softmax as f", "torch.log_softmax"),
        ("import torch\ntorch.special.log_softmax(x, -1)", "torch.special.log_softmax"),
        ("import torch\ntorch.Tensor.softmax(x, -1)", "torch.Tensor.softmax"),
        ("x.softmax(-1)", "?.softmax"),
        ("f(x)[0].log_softmax(dim=-1)", "?.log_softmax"),
        ("self.scores.softmax(-1)", "?.scores.softmax"),
        ("getattr(x, 'softmax')(-1)", "?.softmax"),
        ("import torch\ntorch._softmax(x, -1, False)", "torch._softmax"),
        ("import torch\ntorch.rms_norm(x, (3,))", "torch.rms_norm"),
        ("import torch\ntorch.layer_norm(x, (3,))", "torch.layer_norm"),
        ("import torch\ntorch.native_layer_norm(x, (3,))", "torch.native_layer_norm"),
        ("import torch\ntorch.embedding(w, ids)", "torch.embedding"),
        ("from torch import _fused_rms_norm", "torch._fused_rms_norm"),
        ("import torch\ntorch._fused_adamw_(x)", "torch._fused_adamw_"),
        ("import torch\ntorch.nll_loss(x, y)", "torch.nll_loss"),
        ("import torch\ntorch._C._nn.silu(x)", "torch._C._nn.silu"),
        ("from torch._C import _nn", "torch._C._nn"),
        ("import torch\ntorch.ops.aten.silu(x)", "torch.ops.aten.silu"),
        ("from torch.ops import aten", "torch.ops.aten"),
        ("import torch.nn.functional as F", "torch.nn.functional"),
        ("import torch.nn.functional", "torch.nn.functional"),
        ("from torch.nn import functional", "torch.nn.functional"),
        ("from torch.nn.functional import silu", "torch.nn.functional.silu"),
        ("from torch import nn as n\nn.functional.silu(x)", "torch.nn.functional.silu"),
        ("from torch import nn as n\nn.Linear(3, 5)", "torch.nn.Linear"),
        ("import torch as t\nt.nn.RMSNorm(3)", "torch.nn.RMSNorm"),
        ("from torch.nn import Embedding as Module", "torch.nn.Embedding"),
        ("from torch.nn import *", "torch.nn.*"),
        ("from torch import *", "torch.*"),
        ("import torch.nn.utils", "torch.nn.utils"),
        ("import torch\ntorch.nn.utils.clip_grad_norm_(p, 1)", "torch.nn.utils.clip_grad_norm_"),
        ("from torch.nn.attention import sdpa_kernel", "torch.nn.attention.sdpa_kernel"),
        ("from torch.nn.modules.linear import Linear", "torch.nn.modules.linear.Linear"),
        ("from torch.optim import AdamW", "torch.optim.AdamW"),
        ("import torch\ntorch.optim.lr_scheduler.LRScheduler", "torch.optim.lr_scheduler.LRScheduler"),
        ("from torch import nn\nlayers = nn", "torch.nn itself"),
        ("from torch import nn\ngetattr(nn, 'Lin' + 'ear')", "torch.nn itself"),
        ("import torch\ngetattr(torch, name)", "torch itself"),
        ("import importlib\nimportlib.import_module('torch.nn.functional')", "torch.nn.functional"),
        ("def f():\n    from torch.nn import functional", "torch.nn.functional"),
    ],
)
def test_checker_finds(source, found):
    assert found in forbidden_names(source)


@pytest.mark.parametrize(
    "source",
    [
        "from torch import Tensor, nn\nclass A(nn.Module):\n    w: nn.Parameter\n    x = nn.ModuleList()",
        "import torch.nn as nn\nnn.init.trunc_normal_(w)\nnn.Sequential(nn.ModuleDict())",
        "from torch.optim import Optimizer\nclass A(Optimizer): ...",
        "import torch\ntorch.sigmoid(x) * torch.logsumexp(x, -1)\ntorch._foreach_mul_(a, b)",
        "import torch\ntorch.exp(x).sum()\ntorch.linalg.vector_norm(x)\ntorch.no_grad()\ntorch.float32",
        "from cs336_basics.functional.activation import softmax\nsoftmax(x, -1)",
        "from cs336_basics.functional import activation\nactivation.softmax(x, -1)",
        "import cs336_basics\ncs336_basics.softmax(x, -1)",
        "model.embedding(x)\nself.dropout(x)\nself.layer_norm(x)",
        "'torch.nn.functional in a docstring'",
        "def softmax(x): ...\nsoftmax(x)",
    ],
)
def test_checker_accepts(source):
    assert forbidden_names(source) == set()
