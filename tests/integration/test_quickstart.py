import json
import os
import re

import pytest

from tests.integration.command import cs336, files_below


@pytest.fixture(scope="module")
def quickstart_folder(tmp_path_factory):
    """A quickstart of three steps."""
    folder = tmp_path_factory.mktemp("quickstart")
    result = cs336("quickstart", "--steps", "3", "--run", "run", cwd=folder, timeout=280, env={**os.environ})
    assert result.returncode == 0, result.stderr
    (folder / "output.txt").write_text(result.stdout, encoding="utf-8")
    return folder


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


def test_quickstart_text_is_about_ten_megabytes_and_a_twentieth_is_for_validation(quickstart_folder):
    sizes = [(quickstart_folder / "run" / name).stat().st_size for name in ("train.txt", "validation.txt")]
    assert 5e6 < sum(sizes) < 3e7
    assert 0.03 < sizes[1] / sum(sizes) < 0.07
    documents = [
        set((quickstart_folder / "run" / name).read_text(encoding="utf-8").split("\n<|endoftext|>\n")[:-1])
        for name in ("train.txt", "validation.txt")
    ]
    assert not documents[0] & documents[1]


def test_quickstart_ends_with_bits_per_byte_beside_lzma_and_what_to_try(quickstart_folder):
    output = (quickstart_folder / "output.txt").read_text(encoding="utf-8")
    numbers = dict(re.findall(r"^(.+?): +(\d+\.\d+) bits per byte$", output, re.M))
    assert len(numbers) == 3
    assert 1.2 < float(numbers["lzma that has seen the training text before"]) < 1.8
    assert 2.0 < float(numbers["lzma on the validation text alone"]) < 2.6
    config = json.loads((quickstart_folder / "run/config.json").read_text())
    last = json.loads((quickstart_folder / "run/metrics.jsonl").read_text().splitlines()[-1])
    nats = last["validation_loss"] * config["data"]["validation"]["num_tokens"]
    expected = nats / 0.6931471805599453 / config["corpus"]["validation.txt"]["bytes"]
    assert float(numbers["this model"]) == pytest.approx(expected, abs=2e-3)
    assert "cs336 generate run" in output


def test_quickstart_of_other_steps_is_refused(quickstart_folder):
    refused = cs336("quickstart", "--steps", "4", "--run", "run", cwd=quickstart_folder)
    assert refused.returncode == 1
    assert "training.steps: 3 there, 4 given" in refused.stderr


@pytest.mark.endurance
def test_quickstart_given_again_keeps_the_stored_steps_and_trains_nothing_anew(quickstart_folder):
    run = quickstart_folder / "run"
    before = {name: (run / name).read_bytes() for name in ("config.json", "metrics.jsonl", "samples.txt")}
    result = cs336("quickstart", "--minutes", "20", "--run", "run", cwd=quickstart_folder, timeout=280)
    assert result.returncode == 0, result.stderr
    assert {name: (run / name).read_bytes() for name in before} == before
    assert "started before with 3 steps" in result.stdout
