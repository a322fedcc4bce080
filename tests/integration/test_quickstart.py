import json
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from cs336_basics.quickstart.documentation_corpus import reference_topics
from tests.integration.command import cs336, files_below


def run_quickstart(folder: Path, give: Callable[..., CompletedProcess[str]]) -> Path:
    """Do a quickstart of three steps in `folder` and keep what it says."""
    result = give("quickstart", "--steps", "3", "--run", "run", cwd=folder)
    assert result.returncode == 0, result.stderr
    (folder / "output.txt").write_text(result.stdout, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def whole_quickstart(tmp_path_factory):
    """With its own ten megabytes of text."""
    every_thread = partial(cs336, timeout=280, env={**os.environ})
    return run_quickstart(tmp_path_factory.mktemp("whole-quickstart"), every_thread)


@pytest.fixture(scope="module")
def quickstart_folder(quick_cs336, tmp_path_factory):
    """With a part of the text, which is there already and is kept."""
    folder = tmp_path_factory.mktemp("quickstart")
    (folder / "run").mkdir()
    topics = reference_topics()
    for name, documents in (("train.txt", topics[5:]), ("validation.txt", topics[:5])):
        text = "".join(f"{document}\n<|endoftext|>\n" for document in documents)
        (folder / "run" / name).write_text(text, encoding="utf-8", newline="\n")
    return run_quickstart(folder, quick_cs336)


def test_quickstart_leaves_everything_in_the_run_folder(quickstart_folder):
    expected = {
        "config.json", "train.txt", "validation.txt", "tokenizer/vocab.json", "tokenizer/merges.txt",
        "train.npy", "validation.npy", "metrics.jsonl", "loss.png", "samples.txt", "checkpoints/latest",
        "checkpoints/step-00000003/weights.safetensors",
    }  # fmt: skip
    assert expected <= files_below(quickstart_folder / "run")
    config = json.loads((quickstart_folder / "run/config.json").read_text())
    assert config["training"]["steps"] == 3
    assert re.fullmatch("[0-9a-f]{64}", config["corpus"]["train.txt"]["sha256"])
    assert config["corpus"]["train.txt"]["bytes"] == (quickstart_folder / "run/train.txt").stat().st_size
    assert {"python", "torch", "processor"} <= config["machine"].keys()
    assert config["gflops"]["bf16"] > 0


@pytest.mark.endurance
def test_quickstart_text_is_about_ten_megabytes_and_a_twentieth_is_for_validation(whole_quickstart):
    sizes = [(whole_quickstart / "run" / name).stat().st_size for name in ("train.txt", "validation.txt")]
    assert 5e6 < sum(sizes) < 3e7
    assert 0.03 < sizes[1] / sum(sizes) < 0.07
    documents = [
        set((whole_quickstart / "run" / name).read_text(encoding="utf-8").split("\n<|endoftext|>\n")[:-1])
        for name in ("train.txt", "validation.txt")
    ]
    assert not documents[0] & documents[1]


def printed_bits_per_byte(folder: Path) -> dict[str, float]:
    output = (folder / "output.txt").read_text(encoding="utf-8")
    found = re.findall(r"^(.+?): +(\d+\.\d+) bits per byte$", output, re.M)
    assert len(found) == 3
    assert "cs336 generate run" in output
    return {name: float(number) for name, number in found}


def test_quickstart_ends_with_bits_per_byte_beside_lzma_and_what_to_try(quickstart_folder):
    numbers = printed_bits_per_byte(quickstart_folder)
    alone, after = (
        numbers["lzma on the validation text alone"],
        numbers["lzma that has seen the training text before"],
    )
    assert 1.0 < after < alone < 3.0
    config = json.loads((quickstart_folder / "run/config.json").read_text())
    last = json.loads((quickstart_folder / "run/metrics.jsonl").read_text().splitlines()[-1])
    nats = last["validation_loss"] * config["data"]["validation"]["num_tokens"]
    expected = nats / 0.6931471805599453 / config["corpus"]["validation.txt"]["bytes"]
    assert numbers["this model"] == pytest.approx(expected, abs=2e-3)


@pytest.mark.endurance
def test_lzma_finds_much_of_the_whole_validation_text_in_the_training_text(whole_quickstart):
    numbers = printed_bits_per_byte(whole_quickstart)
    assert 1.2 < numbers["lzma that has seen the training text before"] < 1.8
    assert 2.0 < numbers["lzma on the validation text alone"] < 2.6


@pytest.mark.endurance
def test_quickstart_of_other_steps_is_refused(quick_cs336, quickstart_folder):
    refused = quick_cs336("quickstart", "--steps", "4", "--run", "run", cwd=quickstart_folder)
    assert refused.returncode == 1
    assert "training.steps: 3 there, 4 given" in refused.stderr


@pytest.mark.endurance
def test_quickstart_given_again_keeps_the_stored_steps_and_trains_nothing_anew(quick_cs336, whole_quickstart):
    run = whole_quickstart / "run"
    before = {name: (run / name).read_bytes() for name in ("config.json", "metrics.jsonl", "samples.txt")}
    result = quick_cs336("quickstart", "--minutes", "20", "--run", "run", cwd=whole_quickstart)
    assert result.returncode == 0, result.stderr
    assert {name: (run / name).read_bytes() for name in before} == before
    assert "started before with 3 steps" in result.stdout
