import os
import subprocess
import sys
import warnings

import pytest
import torch

from cs336_basics.nn.transformer_lm import TransformerLM
from cs336_basics.training import compilation
from cs336_basics.training.compilation import compile_for_generation, compile_for_training
from tests.unit.training.small_run import CONFIG


def compiled_names(model: TransformerLM) -> set[str]:
    return {name for name, module in model.named_modules() if module._compiled_call_impl is not None}


@pytest.mark.parametrize("compile_parts", [compile_for_training, compile_for_generation])
def test_without_a_compiler_one_warning_tells_the_reason_and_nothing_changes(compile_parts, monkeypatch):
    monkeypatch.setattr(compilation, "why_not", lambda backend, device: "no compiler found")
    model = TransformerLM.from_config(CONFIG.model)
    with pytest.warns(UserWarning, match=r"going on without compiling.*\(no compiler found\)") as caught:
        compile_parts(model)
    assert len(caught) == 1
    assert compiled_names(model) == set()


def test_training_compiles_blocks_and_generation_their_parts_without_attention(monkeypatch):
    monkeypatch.setattr(compilation, "why_not", lambda backend, device: None)
    for compile_parts, parts, others in (
        (compile_for_training, [""], {"ln_final"}),
        (compile_for_generation, [".ln1", ".ln2", ".ffn"], set()),
    ):
        model = TransformerLM.from_config(CONFIG.model)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compile_parts(model)
        layers = range(CONFIG.model.num_layers)
        in_blocks = {f"layers.{layer}{part}" for layer in layers for part in parts}
        assert compiled_names(model) == in_blocks | others


def test_a_backend_that_fails_is_told_in_one_line():
    reason = compilation.why_not("aot_eager", torch.device("cpu"))
    assert reason is None
    assert "\n" not in (compilation.why_not("no_such_backend", torch.device("cpu")) or "\n")


@pytest.mark.endurance
def test_a_compiler_without_a_folder_to_work_in_is_told_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    program = (
        "import torch; from cs336_basics.training.compilation import why_not; "
        "print(why_not('inductor', torch.device('cpu')))"
    )
    environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "file" / "cache")}
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=120
    )
    assert result.returncode == 0, result.stderr
    assert "file" in result.stdout
