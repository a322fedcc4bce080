"""`--compile` with and without a compiler, as whole processes."""

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.compiler import needs_compiler
from tests.integration.command import ONE_THREAD, SMALL_MODEL, cs336

compiling = partial(cs336, timeout=300)
without_compiler = partial(compiling, env={**ONE_THREAD, "CXX": os.path.join(os.sep, "no", "compiler")})


def losses(run: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]


def train(folder: Path, tokens: Path, run: str, *options: str, give: Callable = compiling) -> str:
    """Train for three steps and return what was said about it."""
    result = give(
        "train", "--train-tokens", tokens, "--run", run, "--vocab-size", "300", "--steps", "3",
        "--precision", "fp32", *SMALL_MODEL, *options, cwd=folder,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stderr


@pytest.mark.endurance
def test_training_without_a_compiler_warns_once_and_goes_on(prepared, tmp_path):
    errors = train(tmp_path, prepared / "tokens.npy", "run", "--compile", give=without_compiler)
    assert errors.count("going on without compiling") == 1
    assert errors.count("Traceback") == 0
    assert len(losses(tmp_path / "run")) == 3


@pytest.mark.endurance
@needs_compiler
def test_a_compiled_run_learns_the_same_and_writes_the_same(prepared, quick_cs336, tmp_path):
    shutil.copytree(prepared / "tokenizer", tmp_path / "tokenizer")
    errors = train(tmp_path, prepared / "tokens.npy", "compiled", "--tokenizer", "tokenizer", "--compile")
    assert "going on without compiling" not in errors
    train(tmp_path, prepared / "tokens.npy", "eager", "--tokenizer", "tokenizer", give=quick_cs336)
    assert losses(tmp_path / "compiled") == pytest.approx(losses(tmp_path / "eager"), rel=1e-5)
    arguments = ("generate", "eager", "--prompt", "The", "--temperature", "0", "--max-new-tokens", "12")
    texts = [quick_cs336(*arguments, cwd=tmp_path), compiling(*arguments, "--compile", cwd=tmp_path)]
    assert texts[0].stdout == texts[1].stdout != ""
    assert "going on without compiling" not in texts[1].stderr
