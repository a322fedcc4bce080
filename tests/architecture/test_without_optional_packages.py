"""The library and the adapters need six packages; what serves speed or the command line may be missing."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
MISSING = ["tyro", "safetensors", "matplotlib", "numba"]
MISSING_TOO = [
    "beartype",
    "hypothesis",
    "pytest",
    "tensorboard",
    "tiktoken",
    "tokenizers",
    "transformers",
    "wandb",
]

SCRIPT = f"""\
import sys
from importlib.machinery import PathFinder


class FindsLess(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        missing = name.partition(".")[0] in {MISSING + MISSING_TOO}
        return None if missing else super().find_spec(name, path, target)


sys.meta_path = [FindsLess if finder is PathFinder else finder for finder in sys.meta_path]
for name in {MISSING}:
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    sys.exit(f"{{name}} can be imported, so this shows nothing")

import io
import tempfile

import numpy as np

import cs336_basics
import tests.adapters
from cs336_basics.tokenization.byte_tokens import BYTE_TOKENS
from cs336_basics.tokenization.interchange.huggingface_folder import write_huggingface_tokenizer

for name in cs336_basics.__all__:
    getattr(cs336_basics, name)

model = cs336_basics.TransformerLM(2503, 7, 28, 2, 2, 11)  # with a matrix for the compiled update
optimizer = cs336_basics.AdamW(model.parameters())
ids, targets = cs336_basics.get_batch(np.arange(31), 3, 7, "cpu")
cs336_basics.cross_entropy(model(ids), targets).backward()
cs336_basics.clip_gradients(model.parameters(), 1.0)
optimizer.step()
file = io.BytesIO()
cs336_basics.save_checkpoint(model, optimizer, 3, file)
file.seek(0)
assert cs336_basics.load_checkpoint(file, model, optimizer) == 3
assert len(cs336_basics.generate(model, [1, 2], 5)) == 5
cs336_basics.evaluate(model, np.arange(31), batch_size=2, context_length=7, device="cpu")
tests.adapters.run_softmax(model(ids), -1)

with tempfile.TemporaryDirectory() as folder:
    tokenizer = cs336_basics.Tokenizer(dict(enumerate(BYTE_TOKENS)), [])
    write_huggingface_tokenizer(tokenizer, folder, context_length=7)
    assert cs336_basics.Tokenizer.from_huggingface(folder).encode("a") == [97]
print("all of it works")
"""


def test_library_and_adapters_work_without_the_packages_of_speed_and_the_command_line():
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "all of it works\n"
