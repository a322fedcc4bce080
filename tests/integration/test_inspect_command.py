"""`cs336 inspect` without a browser: where the page goes, what it holds, what is refused."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from cs336_basics.cli.export import Export
from cs336_basics.cli.inspect import Inspect
from cs336_basics.cli.main import EXPECTED_ERRORS
from tests.integration.inspected_run import MARKUP, InspectedRun, write_inspected_run
from tests.unit.inspection.page_reading import PageReader, decoded_map

TEXT = f"naïve {MARKUP[0]}\n{MARKUP[1]} <b>"


@pytest.fixture
def run(tmp_path) -> InspectedRun:
    return write_inspected_run(tmp_path / "run")


def inspect(folder: Path, text: str, **options) -> None:
    Inspect(folder=folder, text=text, device="cpu", **options).execute()


def page_at(path: Path) -> PageReader:
    return PageReader(path.read_text(encoding="utf-8"))


def test_the_page_holds_the_numbers_of_the_model(run, quick_cs336, tmp_path):
    result = quick_cs336("inspect", "run", TEXT, "--device", "cpu", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    page = tmp_path / "run" / "inspect.html"
    assert result.stdout == f"{page.relative_to(tmp_path)} (0.0 MB); open it in a browser\n"
    data = page_at(page).data
    ids = run.tokenizer.encode(TEXT)
    assert [token["id"] for token in data["tokens"]] == ids
    logits = run.model(torch.tensor(ids)).detach().double()
    probabilities = torch.softmax(logits, dim=-1)
    for position, guesses in enumerate(data["likeliest"]):
        best = probabilities[position].topk(5)
        np.testing.assert_allclose([guess["probability"] for guess in guesses], best.values, atol=1e-5)
        if position > 0:
            loss = -math.log(probabilities[position - 1, ids[position]])
            assert data["losses"][position] == pytest.approx(loss, abs=1e-4)
    for heads in data["attention"]:
        for head in heads:
            np.testing.assert_allclose(decoded_map(head, len(ids)).sum(axis=1), 1, atol=0.01)
    assert data["source"] == "run, step 7"


def test_the_page_goes_where_it_is_asked_for(run, tmp_path, capsys):
    path = tmp_path / "here.html"
    inspect(run.folder, "abc", output=path)
    assert capsys.readouterr().out.startswith(f"{path} (")
    assert len(page_at(path).data["tokens"]) == 3
    assert not (run.folder / "inspect.html").exists()


def test_a_model_as_hugging_face_stores_it_gives_the_same_page_in_the_current_folder(
    run, tmp_path, monkeypatch
):
    Export(run=run.folder, out_dir=tmp_path / "llama").execute()
    before = sorted((tmp_path / "llama").iterdir())
    monkeypatch.chdir(tmp_path)
    inspect(run.folder, TEXT)
    inspect(Path("llama"), TEXT)
    assert sorted((tmp_path / "llama").iterdir()) == before
    ours, theirs = page_at(run.folder / "inspect.html").data, page_at(Path("inspect.html")).data
    assert theirs["source"] == "llama"
    assert theirs["tokens"] == ours["tokens"]
    np.testing.assert_allclose(theirs["losses"][1:], ours["losses"][1:], atol=1e-4)
    for our_heads, their_heads in zip(ours["attention"], theirs["attention"], strict=True):
        for maps in zip(our_heads, their_heads, strict=True):
            one, other = (decoded_map(text, len(ours["tokens"])) for text in maps)
            np.testing.assert_allclose(one, other, atol=1e-3)


def test_an_empty_text_is_the_beginning_of_a_document(run):
    inspect(run.folder, "")
    data = page_at(run.folder / "inspect.html").data
    assert [token["text"] for token in data["tokens"]] == ["<|endoftext|>"]
    assert data["losses"] == [None]


def error_of(folder: Path, text: str = "a", **options) -> str:
    """Return the sentence with which the command ends."""
    with pytest.raises(EXPECTED_ERRORS) as error:
        inspect(folder, text, **options)
    assert not (folder / "inspect.html").exists()
    return str(error.value)


def test_a_text_longer_than_the_context_is_refused_with_both_lengths(run):
    assert error_of(run.folder, "x" * 65) == (
        "a text to inspect may have at most context_length = 64 tokens but this has 65; give a shorter one"
    )
    inspect(run.folder, "x" * 64)


def test_folders_that_hold_no_model_are_refused(tmp_path):
    assert "has no config.json" in error_of(tmp_path / "missing")
    assert "has no config.json" in error_of(tmp_path)
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    assert "must be a JSON file" in error_of(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"job": "train"}), encoding="utf-8")
    assert f"expected a tokenizer but {tmp_path} has none" in error_of(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}), encoding="utf-8")
    assert "model_type = 'llama' but here it is 'gpt2'" in error_of(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 8}), encoding="utf-8")
    assert "model_type = 'llama' but here it is None" in error_of(tmp_path)


def test_a_damaged_run_is_refused(run):
    (weights,) = run.folder.glob("checkpoints/*/weights.safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    assert "weights.safetensors" in error_of(run.folder)


def test_a_page_that_cannot_be_written_is_an_error(run, tmp_path):
    message = error_of(run.folder, output=tmp_path / "none" / "page.html")
    assert "the folder of a file to be written must exist" in message
