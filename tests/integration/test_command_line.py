import json
import math
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from cs336_basics.cli.main import main
from cs336_basics.tokenization import Tokenizer
from tests.integration.command import SMALL_MODEL, cs336, files_below

SUBCOMMANDS = (
    "quickstart",
    "data",
    "train-tokenizer",
    "tokens",
    "encode",
    "train",
    "plot",
    "evaluate",
    "generate",
    "export",
    "account",
    "experiment list",
    "experiment run",
    "experiment report",
)


def test_help_names_every_subcommand_and_every_option_has_a_text(quick_cs336, tmp_path):
    overview = cs336("--help", cwd=tmp_path).stdout
    assert all(name.split()[0] in overview for name in SUBCOMMANDS)
    for name in SUBCOMMANDS:
        result = quick_cs336(*name.split(), "--help", cwd=tmp_path)
        assert result.returncode == 0
        options = re.findall(r"│ (--[a-z0-9-]+)", result.stdout)
        assert "--debug" in options
        described = re.sub(r"[│╭╮╰╯─\s]+", " ", result.stdout)
        for option in options:
            assert re.search(rf"{option}[ ,].*?\((default|required)", described), f"{name} {option}"


@pytest.fixture(scope="module")
def trained_run(prepared, tmp_path_factory) -> Path:
    """The folder of a finished run."""
    folder = tmp_path_factory.mktemp("trained")
    trained = cs336(
        "train", "--train-tokens", prepared / "tokens.npy", "--tokenizer", prepared / "tokenizer",
        "--run", "run", "--steps", "30", *SMALL_MODEL, cwd=folder,
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    return folder / "run"


def test_a_trained_run_has_its_files_and_is_evaluated(prepared, quick_cs336, trained_run):
    expected = {"config.json", "metrics.jsonl", "loss.png", "tokenizer/vocab.json"}
    assert expected <= files_below(trained_run)
    config = json.loads((trained_run / "config.json").read_text())
    assert config["model"]["vocab_size"] == 300
    assert config["training"]["device"] != "auto"
    metrics = [json.loads(line) for line in (trained_run / "metrics.jsonl").read_text().splitlines()]
    evaluated = quick_cs336("evaluate", trained_run, cwd=trained_run)
    assert evaluated.returncode == 0, evaluated.stderr
    assert f"loss {metrics[-1]['validation_loss']:.4f}" in evaluated.stdout
    tokens = np.load(prepared / "tokens.npy")
    held_out = tokens[-round(0.05 * len(tokens)) :]
    num_bytes = len(Tokenizer.from_folder(prepared / "tokenizer").decode_bytes(held_out))
    bits = metrics[-1]["validation_loss"] * len(held_out) / math.log(2) / num_bytes
    assert f"{len(held_out):,} tokens, {bits:.4f} bits per byte" in evaluated.stdout


@pytest.mark.parametrize("damage", ["{", '{"a": 0}'], ids=["unreadable", "smaller"])
def test_a_tokenizer_that_does_not_serve_costs_no_more_than_the_bits_per_byte(
    quick_cs336, trained_run, tmp_path, damage
):
    shutil.copytree(trained_run, tmp_path / "run")
    (tmp_path / "run/tokenizer/vocab.json").write_text(damage)
    (tmp_path / "run/tokenizer/merges.txt").write_text("#version: 0.2\n")
    evaluated = quick_cs336("evaluate", "run", cwd=tmp_path)
    assert evaluated.returncode == 0, evaluated.stderr
    assert "warning: there will be no bits per byte (" in evaluated.stderr
    assert evaluated.stdout.startswith("loss ")
    assert "bits" not in evaluated.stdout


@pytest.mark.endurance
def test_a_trained_run_scores_and_continues_any_text(prepared, quick_cs336, trained_run):
    tokens = np.load(prepared / "tokens.npy", mmap_mode="r")
    assert tokens.dtype == np.uint16
    scored = quick_cs336("evaluate", trained_run, "--text", prepared / "text.txt", cwd=trained_run)
    assert f"{len(tokens):,} tokens" in scored.stdout
    assert re.search(r"\d\.\d{4} bits per byte", scored.stdout)

    arguments = ("generate", trained_run, "--prompt", "The", "--max-new-tokens", "5")
    first, second = (quick_cs336(*arguments, cwd=trained_run) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("The")
    assert first.stdout == second.stdout
    assert first.stdout != quick_cs336(*arguments, "--seed", "1", cwd=trained_run).stdout


@pytest.mark.endurance
def test_presets_give_the_defaults_and_options_change_them(prepared, quick_cs336, tmp_path):
    result = quick_cs336(
        "train", "--preset", "tinystories-cpu", "--train-tokens", prepared / "tokens.npy", "--run", "run",
        "--steps", "1", "--vocab-size", "301", *SMALL_MODEL, cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["optimizer"]["warmup_steps"] == 250
    assert (config["training"]["steps"], config["training"]["batch_size"]) == (1, 4)
    assert config["model"]["vocab_size"] == 301


TRAIN = ("train", "--run", "run", "--steps", "2", *SMALL_MODEL)
BAD_INPUTS = {
    "missing text": (
        ("train-tokenizer", "--input", "none.txt", "--output", "out"),
        "none.txt",
    ),
    "empty text": (("train-tokenizer", "--input", "empty.txt", "--output", "out"), "empty.txt is empty"),
    "text that is not UTF-8": (
        ("train-tokenizer", "--input", "latin.txt", "--output", "out"),
        "must be UTF-8 but latin.txt",
    ),
    "vocabulary without room for the bytes": (
        ("train-tokenizer", "--input", "text.txt", "--output", "out", "--vocab-size", "256"),
        "256",
    ),
    "empty special token": (
        ("train-tokenizer", "--input", "text.txt", "--output", "out", "--special-tokens", ""),
        "empty",
    ),
    "duplicate special token": (
        ("train-tokenizer", "--input", "text.txt", "--output", "out", "--special-tokens", "<a>", "<a>"),
        "<a>",
    ),
    "special token that is spelled like a byte": (
        ("train-tokenizer", "--input", "text.txt", "--output", "out", "--special-tokens", "a"),
        "read as ordinary text but 'a' is a special token",
    ),
    "output in the place of the tokenizer": (
        ("encode", "--tokenizer", "tokenizer", "--input", "text.txt", "--output", "tokenizer/vocab.json"),
        "must not be the file that is read",
    ),
    "vocabulary of another size than the tokenizer's": (
        (*TRAIN, "--tokenizer", "tokenizer", "--train-tokens", "tokens.npy", "--vocab-size", "301"),
        "--vocab-size is that of the tokenizer, 300, but 301 is given",
    ),
    "no job at once": (
        ("experiment", "run", "learning-rate", "--jobs", "0"),
        "jobs must be at least 1 but is 0",
    ),
    "missing tokenizer": (
        ("encode", "--tokenizer", "none", "--input", "text.txt", "--output", "out.npy"),
        "none",
    ),
    "encoding a missing file": (
        ("encode", "--tokenizer", "tokenizer", "--input", "none.txt", "--output", "out.npy"),
        "none.txt",
    ),
    "encoding a missing file into a new folder": (
        ("encode", "--tokenizer", "tokenizer", "--input", "none.txt", "--output", "new/folder/out.npy"),
        "none.txt",
    ),
    "encoding a file to itself": (
        ("encode", "--tokenizer", "tokenizer", "--input", "text.txt", "--output", "./text.txt"),
        "must not be the file that is read",
    ),
    "encoding to no name": (
        ("encode", "--tokenizer", "tokenizer", "--input", "text.txt", "--output", "."),
        "must have a name but '.' is none",
    ),
    "tokenizer where a file is": (
        ("train-tokenizer", "--input", "text.txt", "--output", "latin.txt"),
        "latin.txt is none",
    ),
    "tokenizer in place of its text": (
        ("train-tokenizer", "--input", "tokenizer/merges.txt", "--output", "tokenizer"),
        "must not be the file that is read",
    ),
    "unknown preset": ((*TRAIN, "--train-tokens", "tokens.npy", "--preset", "huge"), "huge"),
    "unknown option": ((*TRAIN, "--train-tokens", "tokens.npy", "--learning-speed", "1"), "--learning-speed"),
    "unknown device": ((*TRAIN, "--train-tokens", "tokens.npy", "--device", "tpu"), "tpu"),
    "token file that is missing": ((*TRAIN, "--train-tokens", "none.npy"), "none.npy"),
    "ids beyond the vocabulary": (
        (*TRAIN, "--train-tokens", "tokens.npy", "--vocab-size", "270"),
        "0..269",
    ),
    "token file shorter than the context": (
        (*TRAIN, "--train-tokens", "short.npy", "--validation-tokens", "tokens.npy"),
        "context of 16",
    ),
    "heads that do not divide d_model": (
        (*TRAIN, "--train-tokens", "tokens.npy", "--num-heads", "3"),
        "error: --d-model must be a multiple of --num-heads but 16 is not a multiple of 3",
    ),
    "odd head size": (
        (*TRAIN, "--train-tokens", "tokens.npy", "--num-heads", "16"),
        "must be even",
    ),
    "run folder that cannot be written": (
        (*TRAIN[:1], "--run", "text.txt/run", *TRAIN[3:], "--train-tokens", "tokens.npy"),
        "run folder must be one that can be written",
    ),
    "run of another configuration": (
        (
            "train",
            "--run",
            "other",
            "--steps",
            "3",
            *SMALL_MODEL,
            "--train-tokens",
            "tokens.npy",
            "--tokenizer",
            "tokenizer",
        ),
        "training.steps: 2 there, 3 given",
    ),
    "run with another tokenizer": (
        ("train", "--run", "other", "--steps", "2", *SMALL_MODEL, "--train-tokens", "tokens.npy"),
        "data.tokenizer",
    ),
    "fork of another model": (
        (
            *TRAIN,
            "--train-tokens",
            "tokens.npy",
            "--vocab-size",
            "300",
            "--fork-from",
            "other",
            "--d-ff",
            "8",
        ),
        "model.d_ff",
    ),
    "no checkpoint to keep": (
        (*TRAIN, "--train-tokens", "tokens.npy", "--keep", "0"),
        "error: --keep must be at least 1",
    ),
    "run folder of another job": (("quickstart", "--run", "other"), "holds a run of 'train'"),
    "no sequence in a batch": (
        (*TRAIN, "--train-tokens", "tokens.npy", "--batch-size", "0"),
        "error: --batch-size must be at least 1 but is 0",
    ),
    "no step": (
        (*TRAIN, "--train-tokens", "tokens.npy", "--steps", "0"),
        "error: --steps must be at least 1",
    ),
    "preset without a name": ((*TRAIN, "--train-tokens", "tokens.npy", "--preset"), "--preset"),
    "evaluating what is no run": (
        ("evaluate", "none"),
        "error: expected a run but none has no config.json; train one first",
    ),
    "generating from what is no run": (("generate", "none"), "none"),
    "generating from nothing": (("generate", "--prompt", "a"), "but neither is given; give one"),
    "generating from a folder without a model": (("generate", "--model", "tokenizer"), "has no config.json"),
    "exporting what is no run": (("export", "none", "out"), "none"),
    "exporting to what is there": (("export", "other", "tokenizer"), "or be empty, but tokenizer is there"),
    "no sample": (
        ("generate", "other", "--prompt", "a", "--num-samples", "0"),
        "error: --num-samples must be at least 1 but is 0",
    ),
    "seed that is too large": (
        ("generate", "other", "--prompt", "a", "--seed", "9" * 23),
        "a seed must lie in",
    ),
    "id that is too large": (("generate", "other", "--prompt-ids", "9" * 23), "must lie in 0..299 "),
    "impossible top-p": (("generate", "other", "--prompt", "a", "--top-p", "0"), "--top-p must"),
    "unknown data set": (("data", "wikipedia"), "wikipedia"),
    "folder for data that is a file": (("data", "owt", "--dir", "text.txt"), "text.txt cannot be one"),
    "plotting nothing": (("plot",), "at least one run"),
    "plotting what is no run": (("plot", "other", "none"), "expected a run but none has no config.json"),
    "plotting a run twice": (("plot", "other", "other"), "each run can be compared once"),
    "plotting a format that is none": (
        ("plot", "other", "--output", "a.gif"),
        "must end in .png, .svg, .pdf",
    ),
    "plotting into no folder": (("plot", "other", "--output", "none/a.png"), "none does not"),
    "quickstart for no time": (("quickstart", "--minutes", "0", "--run", "run"), "minutes must be positive"),
}


@pytest.fixture(scope="module")
def bad_input_folder(prepared, quick_cs336, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad-input")
    shutil.copytree(prepared / "tokenizer", folder / "tokenizer")
    for name in ("text.txt", "tokens.npy"):
        (folder / name).write_bytes((prepared / name).read_bytes())
    (folder / "empty.txt").write_bytes(b"")
    (folder / "latin.txt").write_bytes("Käse\n".encode("latin-1"))
    np.save(folder / "short.npy", np.arange(16, dtype=np.uint16))
    result = quick_cs336(
        "train", "--run", "other", "--steps", "2", *SMALL_MODEL, "--train-tokens", "tokens.npy",
        "--tokenizer", "tokenizer", cwd=folder,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return folder


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_input_is_one_sentence_and_leaves_nothing(quick_cs336, bad_input_folder, name):
    arguments, named = BAD_INPUTS[name]
    before = files_below(bad_input_folder)
    result = quick_cs336(*arguments, cwd=bad_input_folder)
    if result.returncode == 2:  # what the parser refuses, in a box
        assert named in re.sub(r"[│\s]+", " ", result.stderr)
    else:
        *progress, sentence = result.stderr.splitlines()
        assert result.returncode == 1
        assert named in sentence
        assert sentence.startswith("error: ")
        assert all("%|" in line for line in progress if line)
    assert files_below(bad_input_folder) == before


def test_an_error_is_a_line_on_the_error_output_and_a_status(tmp_path):
    result = cs336("train-tokenizer", "--input", "none.txt", "--output", "out", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == "error: expected a text file but found none at none.txt; check the path\n"


@pytest.mark.endurance
def test_debug_shows_the_traceback(quick_cs336, tmp_path):
    result = quick_cs336("evaluate", "none", "--debug", cwd=tmp_path)
    assert result.returncode == 1
    assert "Traceback" in result.stderr


@pytest.mark.endurance
def test_a_run_that_diverges_says_at_which_step(prepared, quick_cs336, tmp_path):
    result = quick_cs336(
        "train", "--run", "run", "--train-tokens", prepared / "tokens.npy", "--steps", "50", *SMALL_MODEL,
        "--learning-rate", "1e30", "--precision", "fp32", cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 1
    assert re.search(r"error: loss, gradient and weights must be finite but at step \d+", result.stderr)
    assert f"are in {Path('run/divergence.json')}" in result.stderr
    assert json.loads((tmp_path / "run/divergence.json").read_text())["last_steps"]


def test_version_is_that_of_the_package(tmp_path):
    result = cs336("--version", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, f"cs336_basics {metadata.version('cs336-basics')}\n")


# Bash fills these variables, calls the function, and offers what it leaves in COMPREPLY.
COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*"
_tyro_cs336
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_completion_script_of_bash_completes_subcommands_options_and_presets(tmp_path):
    (tmp_path / "complete.sh").write_text(COMPLETE)
    assert cs336("--tyro-write-completion", "bash", "cs336", cwd=tmp_path).returncode == 0

    def completions(*words: str) -> list[str]:
        command = ["bash", "complete.sh", "./cs336", "cs336", *words]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
        return result.stdout.split()

    assert completions("train") == ["train", "train-tokenizer"]
    assert completions("train", "--train-t") == ["--train-tokens"]
    assert completions("train", "--preset", "tinystories") == ["tinystories", "tinystories-cpu"]


def test_completion_script_without_a_folder_is_one_sentence(tmp_path):
    result = cs336("--tyro-write-completion", "bash", "none/cs336", cwd=tmp_path)
    assert result.returncode == 1
    assert re.fullmatch(r"error: [^\n]*No such file or directory: [^\n]*\n", result.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("train", "--help"),
        ("tokens", "some text", "--tokenizer", "tokenizer"),
        (
            "train-tokenizer",
            "--input",
            "text.txt",
            "--output",
            "out",
            "--vocab-size",
            "300",
            "--num-workers",
            "2",
        ),
        (
            "encode",
            "--tokenizer",
            "tokenizer",
            "--input",
            "text.txt",
            "--output",
            "out.npy",
            "--num-workers",
            "2",
        ),
    ],
    ids=lambda arguments: arguments[0],
)
def test_the_tokenizers_commands_never_load_torch(prepared, tmp_path, arguments):
    shutil.copytree(prepared / "tokenizer", tmp_path / "tokenizer")
    shutil.copyfile(prepared / "text.txt", tmp_path / "text.txt")
    # A `torch` that cannot be imported, in this process and in its workers.
    (tmp_path / "torch.py").write_text("raise AssertionError('torch was imported')\n")
    code = f"from cs336_basics.cli.main import main\nif __name__ == '__main__':\n    main({arguments!r})\n"
    (tmp_path / "command.py").write_text(code)
    result = subprocess.run(
        [sys.executable, "command.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    assert "torch was imported" not in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(tmp_path, arguments):
    heavy = {"torch", "numpy", "matplotlib", "tensorboard", "wandb", "tqdm"}
    code = (
        f"import sys\nfrom cs336_basics.cli.main import main\n"
        f"try:\n    main({arguments})\nexcept SystemExit:\n    pass\n"
        f"print(sorted({heavy} & sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "[]", result.stderr


def test_python_m_and_the_console_script_are_the_same_command():
    (script,) = metadata.entry_points(group="console_scripts", name="cs336")
    assert script.load() is main
