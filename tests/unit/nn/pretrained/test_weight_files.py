"""Weights that are missing, too many, of another shape or type, and files that are damaged or hostile."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from cs336_basics import TransformerLM
from tests.unit.hostile import hostile_pickle
from tests.unit.nn.pretrained.llamas import llama, written


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    written(folder / "one", llama(num_hidden_layers=1))
    written(folder / "several", llama(num_hidden_layers=1), max_shard_size="40KB")
    return folder


@pytest.fixture
def one(sources, tmp_path) -> Path:
    return Path(shutil.copytree(sources / "one", tmp_path / "one"))


@pytest.fixture
def several(sources, tmp_path) -> Path:
    return Path(shutil.copytree(sources / "several", tmp_path / "several"))


def refused(folder: Path, message: str, kind: type[Exception] = ValueError) -> None:
    with pytest.raises(kind, match=re.escape(message)) as error:
        TransformerLM.from_pretrained(folder)
    assert "\n" not in str(error.value)


def with_weights(folder: Path, **changes: torch.Tensor | None) -> None:
    file = folder / "model.safetensors"
    weights = {**load_file(file), **changes}
    save_file({name: weight for name, weight in weights.items() if weight is not None}, file)


KEYS = "model.layers.0.self_attn.k_proj.weight"


def test_a_weight_that_is_missing_is_named(one):
    with_weights(one, **{KEYS: None})
    refused(one, f"must hold every weight of the model but lacks {KEYS} (layers.0.attn.k_proj.weight)")


def test_a_head_that_is_missing_is_named_where_it_is_not_the_embedding(one):
    with_weights(one, **{"lm_head.weight": None})
    refused(one, "lacks lm_head.weight")


def test_a_weight_too_many_is_named(one):
    with_weights(one, **{"model.layers.0.self_attn.k_proj.bias": torch.zeros(60)})
    refused(one, "the model has no weight model.layers.0.self_attn.k_proj.bias but")
    with_weights(
        one,
        **{"model.layers.0.self_attn.k_proj.bias": None, "model.layers.1.mlp.up_proj.weight": torch.zeros(1)},
    )
    refused(one, "the model has no weight model.layers.1.mlp.up_proj.weight but")


def test_a_weight_of_another_shape_is_named(one):
    with_weights(one, **{KEYS: torch.zeros(20, 60)})
    refused(one, f"weight {KEYS} must have the shape (60, 60) but")


@pytest.mark.parametrize("dtype", [torch.int8, torch.float8_e4m3fn, torch.bool])
def test_a_quantized_weight_is_named(one, dtype):
    with_weights(one, **{KEYS: torch.zeros(60, 60).to(dtype)})
    refused(one, f"weight {KEYS} must be stored as one of F64, F32, BF16, F16 but")


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"{}"])
def test_a_damaged_file_is_named(one, content):
    (one / "model.safetensors").write_bytes(content)
    refused(one, f"{one / 'model.safetensors'} must be a safetensors file but is damaged (")


def test_a_file_that_was_cut_is_named(several):
    file = next(iter(sorted(several.glob("model-*.safetensors"))))
    file.write_bytes(file.read_bytes()[:-1])
    refused(several, f"{file} must be a safetensors file but is damaged (")


def test_a_folder_without_weights_says_what_it_lacks(one):
    (one / "model.safetensors").unlink()
    refused(one, "has neither model.safetensors nor model.safetensors.index.json", FileNotFoundError)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model.bin.index.json", "consolidated.00.pth"])
def test_a_pickle_is_refused_and_never_runs(one, tmp_path, name):
    (one / "model.safetensors").unlink()
    (one / name).write_bytes(hostile_pickle(tmp_path / "code was run"))
    refused(one, f"has only {name}, a pickle, which could run code; take a model that comes with safetensors")
    assert not (tmp_path / "code was run").exists()


def test_a_pickle_under_the_name_of_the_weights_never_runs(one, tmp_path):
    (one / "model.safetensors").write_bytes(hostile_pickle(tmp_path / "code was run"))
    refused(one, "must be a safetensors file but is damaged (")
    assert not (tmp_path / "code was run").exists()


def change_index(folder: Path, change) -> dict[str, str]:
    path = folder / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    change(index)
    path.write_text(json.dumps(index))
    return index["weight_map"]


@pytest.mark.parametrize("name", ["../outside.safetensors", "/etc/passwd", "a/b.safetensors", ".."])
def test_an_index_cannot_lead_out_of_the_folder(several, sources, name):
    shutil.copyfile(sources / "one/model.safetensors", several.parent / "outside.safetensors")
    change_index(several, lambda index: index["weight_map"].update({KEYS: name}))
    refused(several, f"must be plain, without a path, but is {name!r}")


def test_a_file_that_the_index_names_must_be_there(several):
    change_index(several, lambda index: index["weight_map"].update({KEYS: "a.safetensors"}))
    refused(several, "expected the weights in", FileNotFoundError)


def test_index_and_files_must_agree(several):
    change_index(several, lambda index: index["weight_map"].update({"more": index["weight_map"][KEYS]}))
    refused(several, "promises but lacks more; download it again")
    change_index(several, lambda index: [index["weight_map"].pop(name) for name in ("more", KEYS)])
    refused(several, f"model.safetensors.index.json must name every weight but not {KEYS} in")


@pytest.mark.parametrize("weight_map", [None, [], {"a": 1}, {"a": None}])
def test_an_index_that_is_none_is_named(several, weight_map):
    change_index(several, lambda index: index.update(weight_map=weight_map))
    refused(several, "must name a file for each weight but its weight_map does not; restore it")


def with_config(folder: Path, **changes) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_configuration_of_another_model_costs_neither_time_nor_memory(one):
    with_config(one, num_hidden_layers=10**15)
    refused(one, "lacks model.layers.1.input_layernorm.weight (layers.1.ln1.weight); download it again")
    with_config(one, num_hidden_layers=1, vocab_size=10**15)
    refused(one, f"weight model.embed_tokens.weight must have the shape ({10**15}, 60) but")
