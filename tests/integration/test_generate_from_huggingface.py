"""`cs336 export`, then `cs336 generate --model` with what was written: text, or ids without a tokenizer."""

import json
import shutil
from pathlib import Path

import pytest

from cs336_basics.cli.export import Export
from cs336_basics.cli.generate import Generate
from tests.integration.cycling_run import CYCLE, write_cycling_run

IDS = list(CYCLE.encode())


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cycling") / "run"
    write_cycling_run(folder)
    return folder


@pytest.fixture(scope="module")
def exported(run) -> Path:
    Export(run=run, out_dir=run.parent / "exported").execute()
    return run.parent / "exported"


@pytest.fixture
def folder(exported, tmp_path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "folder"))


def greedy(**options) -> None:
    Generate(temperature=0.0, max_new_tokens=6, device="cpu", **options).execute()


def test_export_says_what_it_has_done(run, tmp_path, capsys):
    Export(run=run, out_dir=tmp_path / "out").execute()
    assert capsys.readouterr().out == (
        f"{tmp_path / 'out'} holds the model of step 1 and its tokenizer; texts with any of 17,480 new "
        "Unicode characters may get other ids there\n"
    )


@pytest.mark.endurance
def test_a_command_continues_ids(exported, quick_cs336, tmp_path):
    result = quick_cs336(
        "generate", "--model", exported, "--prompt-ids", "120", "7", "--max-new-tokens", "6",
        "--temperature", "0", "--device", "cpu", cwd=tmp_path,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == " ".join(map(str, [120, 7, *IDS])) + "\n"


def test_text_is_continued(exported, capsys):
    greedy(model=exported, prompt="x")
    assert capsys.readouterr().out == f"x{CYCLE}\n"
    greedy(model=exported, prompt="x", num_samples=2, dtype="bf16")
    assert capsys.readouterr().out == f"x{CYCLE}\n------\nx{CYCLE}\n"


def test_ids_are_continued_and_no_tokenizer_is_read(folder, capsys):
    (folder / "tokenizer.json").unlink()
    expected = " ".join(map(str, [120, 7, *IDS]))
    greedy(model=folder, prompt_ids=(120, 7))
    assert capsys.readouterr().out == f"{expected}\n"
    greedy(model=folder, prompt_ids=(120, 7), num_samples=2)
    assert capsys.readouterr().out == f"{expected}\n------\n{expected}\n"


def test_ids_of_a_run_are_continued_too(run, capsys):
    greedy(run=run, prompt_ids=(120,), dtype="bf16")
    assert capsys.readouterr().out == " ".join(map(str, [120, *IDS])) + "\n"


@pytest.mark.parametrize("stops", [IDS[3], [7, IDS[3]]], ids=["one", "several"])
def test_a_text_ends_where_the_folder_says_so(folder, capsys, stops):
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": stops}))
    greedy(model=folder, prompt="x")
    assert capsys.readouterr().out == "xaé\n"


def test_a_tokenizer_of_sentencepiece_is_refused_with_a_way_out(folder):
    content = json.loads((folder / "tokenizer.json").read_text())
    content["model"] = {"type": "Unigram", "vocab": [["a", 0.0]]}
    (folder / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="give the ids with --prompt-ids"):
        greedy(model=folder, prompt="x")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "but neither is given; give one"),
        ({"run": Path("a"), "model": Path("b")}, "but both are given; give one"),
        ({"run": Path("a"), "prompt": "a", "prompt_ids": (1,)}, "leave out --prompt or --prompt-ids"),
    ],
)
def test_exactly_one_model_and_one_prompt_are_wanted(options, message):
    with pytest.raises(ValueError, match=message):
        greedy(**options)


def test_what_cannot_be_generated_from_is_refused(run, exported, tmp_path):
    with pytest.raises(FileNotFoundError, match="none has no config"):
        greedy(model=tmp_path / "none", prompt_ids=(1,))
    with pytest.raises(ValueError, match=r"a folder of Hugging Face but .* is a run; leave out --model"):
        greedy(model=run, prompt_ids=(1,))
    for prompt in ({"prompt": "x"}, {"prompt_ids": (1,)}):
        with pytest.raises(ValueError, match=r"no configuration of one; if .* generate --model"):
            greedy(run=exported, **prompt)
    with pytest.raises(IndexError, match=r"must lie in 0\.\.255 .* got 256"):
        greedy(model=exported, prompt_ids=(256,))


def test_a_folder_without_a_tokenizer_is_one_sentence_with_a_way_out(folder):
    (folder / "tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"expected a tokenizer\.json but .* with --prompt-ids"):
        greedy(model=folder, prompt="x")


def test_an_end_of_text_that_is_no_id_is_named(folder):
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": "</s>"}))
    with pytest.raises(ValueError, match=r"generation_config\.json must have an id or a list of ids"):
        greedy(model=folder, prompt="x")
