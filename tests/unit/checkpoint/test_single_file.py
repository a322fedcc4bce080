import io
import re
from collections import OrderedDict, deque
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cs336_basics import AdamW, ModelConfig, TransformerLM, load_checkpoint, save_checkpoint
from cs336_basics.checkpoint import single_file
from tests.unit.checkpoint.small_model import VOCAB, model_and_optimizer, snapshot, train, trained


class Wrapped(nn.Module):
    """Gives the weights of a model the names that a wrapper gives them."""

    def __init__(self, attribute: str, model: nn.Module) -> None:
        super().__init__()
        self.add_module(attribute, model)


def assert_same_weights(actual: nn.Module, expected: nn.Module) -> None:
    for name, weight in expected.state_dict().items():
        assert torch.equal(actual.state_dict()[name], weight), name


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "checkpoint.pt"


@pytest.mark.parametrize("kind", ["path", "string", "open file", "memory"])
def test_checkpoint_round_trip_continues_as_if_never_interrupted(path, kind):
    model, optimizer = trained()
    resumed, resumed_optimizer = model_and_optimizer(seed=11)
    if kind == "open file":
        with path.open("wb") as file:
            save_checkpoint(model, optimizer, 5, file)
        with path.open("rb") as file:
            iteration = load_checkpoint(file, resumed, resumed_optimizer)
    else:
        place = {"path": path, "string": str(path), "memory": io.BytesIO()}[kind]
        save_checkpoint(model, optimizer, 5, place)
        if isinstance(place, io.BytesIO):
            place.seek(0)
        iteration = load_checkpoint(place, resumed, resumed_optimizer)
    assert iteration == 5
    assert_same_weights(resumed, model)
    train(resumed, resumed_optimizer, range(5, 10))
    train(model, optimizer, range(5, 10))
    assert_same_weights(resumed, model)
    assert_same_weights(resumed, trained(steps=10)[0])


def test_checkpoint_restores_the_settings_of_the_optimizer(path):
    save_checkpoint(*trained(), 5, path)
    model, _ = model_and_optimizer()
    optimizer = AdamW(model.parameters(), lr=99.0)
    load_checkpoint(path, model, optimizer)
    assert optimizer.param_groups[0]["lr"] == 0.01
    assert optimizer.param_groups[0]["betas"] == (0.9, 0.95)


@pytest.mark.parametrize("iteration", [np.int64(5), torch.tensor(5)], ids=["numpy", "torch"])
def test_checkpoint_with_numbers_of_a_library_is_read_as_plain_ones(path, iteration):
    model, optimizer = trained()
    optimizer.param_groups[0].update(lr=np.float64(0.25), betas=(np.float32(0.5), 0.75))
    save_checkpoint(model, optimizer, iteration, path)
    resumed, resumed_optimizer = model_and_optimizer()
    assert type(load_checkpoint(path, resumed, resumed_optimizer)) is int
    group = resumed_optimizer.param_groups[0]
    assert (group["lr"], group["betas"]) == (0.25, (0.5, 0.75))
    assert type(group["lr"]) is float


def test_checkpoint_of_an_iteration_that_is_no_integer_is_refused_when_it_is_saved(path):
    with pytest.raises(TypeError, match=r"must be an integer but is 5\.0; give"):
        save_checkpoint(*trained(), 5.0, path)  # pyright: ignore[reportArgumentType]
    assert not path.exists()


def test_checkpoint_of_a_foreign_model_and_optimizer_works(path):
    linear = nn.Linear(3, 5)
    optimizer = torch.optim.SGD(linear.parameters(), lr=0.1, momentum=0.9)
    linear(torch.ones(3)).sum().backward()
    optimizer.step()
    save_checkpoint(linear, optimizer, 1, path)
    other = nn.Linear(3, 5)
    other_optimizer = torch.optim.SGD(other.parameters(), lr=7.0, momentum=0.9)
    assert load_checkpoint(path, other, other_optimizer) == 1
    assert_same_weights(other, linear)
    assert torch.equal(
        other_optimizer.state[other.weight]["momentum_buffer"],
        optimizer.state[linear.weight]["momentum_buffer"],
    )


def test_checkpoint_stores_the_configuration_of_the_model(path):
    save_checkpoint(*trained(), 5, path)
    assert torch.load(path, weights_only=True)["config"]["vocab_size"] == VOCAB


CHANGES = {
    "vocab_size": VOCAB + 1,
    "context_length": 50,
    "d_model": 24,
    "num_layers": 3,
    "num_heads": 1,
    "d_ff": 12,
    "num_kv_heads": 1,
    "d_head": 10,
    "rope_theta": 100.0,
    "rope_scaling": "none",
    "rope_factor": 3.0,
    "rope_slow_turns": 0.5,
    "rope_fast_turns": 2.0,
    "rope_original_context": 60,
    "norm_eps": 1e-3,
    "attention": "chunked",
    "norm": "post",
    "position": "none",
    "ffn": "relu2",
    "qk_norm": True,
    "tie_embeddings": True,
    "logit_softcap": 3.0,
    "zero_init_outputs": True,
    "init": "normal",
}


BASE = ModelConfig(
    vocab_size=VOCAB, context_length=40, d_model=28, num_layers=2, num_heads=2, d_ff=11, ffn="silu",
    rope_scaling="llama3", rope_original_context=30, logit_softcap=2.0,
)  # fmt: skip
IDS = torch.arange(30) % VOCAB


def save_and_load(path: Path, config: ModelConfig, other_config: ModelConfig):
    model, other = TransformerLM.from_config(config), TransformerLM.from_config(other_config)
    save_checkpoint(model, AdamW(model.parameters()), 5, path)
    load_checkpoint(path, other, AdamW(other.parameters()))
    return model, other


@pytest.mark.parametrize("name", BASE.beyond_the_weights)
def test_weights_do_not_go_into_a_model_that_makes_something_else_of_them(path, name):
    other_config = replace(BASE, **{name: CHANGES[name]})
    message = re.escape(f"{name} is {CHANGES[name]} and {path} holds {getattr(BASE, name)};")
    with pytest.raises(ValueError, match=message):
        save_and_load(path, BASE, other_config)
    model, other = TransformerLM.from_config(BASE), TransformerLM.from_config(other_config)
    other.load_state_dict(model.state_dict())
    assert not torch.allclose(other(IDS), model(IDS), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", sorted(CHANGES.keys() - BASE.beyond_the_weights.keys()))
def test_any_other_choice_is_seen_in_the_weights_or_changes_nothing(path, name):
    other_config = replace(BASE, **{name: CHANGES[name]})
    shapes, other_shapes = (
        {key: weight.shape for key, weight in TransformerLM.from_config(config).state_dict().items()}
        for config in (BASE, other_config)
    )
    if shapes == other_shapes:
        model, other = save_and_load(path, BASE, other_config)
        torch.testing.assert_close(other(IDS), model(IDS), rtol=1e-5, atol=1e-6)
    else:
        with pytest.raises(
            ValueError, match=r"every weight|have the shape|no weight|the optimizer has groups of"
        ):
            save_and_load(path, BASE, other_config)


@pytest.mark.parametrize(
    ("common", "change"),
    [
        ({"position": "none"}, {"rope_theta": 3.0}),
        ({"rope_scaling": "none"}, {"rope_factor": 3.0}),
        ({"norm": "none"}, {"norm_eps": 0.1}),
    ],
    ids=str,
)
def test_what_a_model_has_no_part_for_may_differ(path, common, change):
    config = replace(BASE, **common)
    model, other = save_and_load(path, config, replace(config, **change))
    assert torch.equal(other(IDS), model(IDS))


def test_a_choice_that_an_older_file_does_not_know_is_its_default(path):
    model = TransformerLM.from_config(BASE)
    save_checkpoint(model, AdamW(model.parameters()), 5, path)
    content = torch.load(path, weights_only=True)
    del content["config"]["ffn"]
    torch.save(content, path)
    with pytest.raises(ValueError, match=r"ffn is silu and .* holds swiglu"):
        load_checkpoint(path, model, AdamW(model.parameters()))


def test_each_field_of_a_configuration_is_tried():
    assert CHANGES.keys() == {field.name for field in fields(ModelConfig)}


def test_checkpoint_holds_the_plain_names_of_a_compiled_model(path):
    model, optimizer = trained()
    save_checkpoint(Wrapped("_orig_mod", model), optimizer, 5, path)
    assert list(torch.load(path, weights_only=True)["model"]) == list(model.state_dict())


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "module._orig_mod.", "_orig_mod.module."])
def test_checkpoint_with_the_prefix_of_a_wrapper_is_loaded(path, prefix):
    model, optimizer = trained()
    save_checkpoint(model, optimizer, 5, path)
    content = torch.load(path, weights_only=True)
    content["model"] = {prefix + name: weight for name, weight in content["model"].items()}
    torch.save(content, path)
    plain, plain_optimizer = model_and_optimizer(seed=11)
    assert load_checkpoint(path, plain, plain_optimizer) == 5
    assert_same_weights(plain, model)


def test_checkpoint_is_loaded_into_a_compiled_model(path):
    model, optimizer = trained()
    save_checkpoint(model, optimizer, 5, path)
    plain, plain_optimizer = model_and_optimizer(seed=11)
    load_checkpoint(path, Wrapped("_orig_mod", plain), plain_optimizer)
    assert_same_weights(plain, model)


def test_checkpoint_that_is_missing_names_the_path(path):
    with pytest.raises(FileNotFoundError, match=r"none at .*checkpoint\.pt; check the path"):
        load_checkpoint(path, *model_and_optimizer())


@pytest.mark.parametrize("content", [[1, 2], {"model": {}}, {"iteration": 3}], ids=str)
def test_checkpoint_without_its_three_parts_is_refused(path, content):
    torch.save(content, path)
    with pytest.raises(ValueError, match=r"holds model, optimizer and iteration but .*checkpoint\.pt"):
        load_checkpoint(path, *model_and_optimizer())


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda weights: weights.update({"ln_final.weight": torch.ones(29)}),
            r"weight ln_final\.weight must have the shape \(28,\) but .*checkpoint\.pt holds \(29,\)",
        ),
        (
            lambda weights: weights.pop("layers.1.ffn.w2.weight"),
            r"checkpoint\.pt lacks layers\.1\.ffn\.w2\.weight",
        ),
        (
            lambda weights: weights.update({"layers.0.extra": torch.ones(1)}),
            r"the model has no weight layers\.0\.extra but .*checkpoint\.pt holds one",
        ),
    ],
    ids=["shape", "missing", "extra"],
)
def test_checkpoint_that_does_not_fit_names_the_weight_and_changes_nothing(path, edit, message):
    save_checkpoint(*trained(), 5, path)
    content = torch.load(path, weights_only=True)
    edit(content["model"])
    torch.save(content, path)
    model, optimizer = model_and_optimizer(seed=11)
    before = snapshot(model, optimizer)
    with pytest.raises(ValueError, match=message):
        load_checkpoint(path, model, optimizer)
    assert snapshot(model, optimizer) == before


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"vocab_size": 37}, r"token_embeddings\.weight must have the shape \(37, 28\) .* holds \(31, 28\)"),
        ({"d_ff": 13}, r"layers\.0\.ffn\.w1\.weight must have the shape \(13, 28\) .* holds \(11, 28\)"),
    ],
    ids=str,
)
def test_checkpoint_of_another_shape_names_the_first_weight_and_both_shapes(path, shape, message):
    save_checkpoint(*trained(), 5, path)
    model, optimizer = model_and_optimizer(seed=11, **shape)
    before = snapshot(model, optimizer)
    with pytest.raises(ValueError, match=message):
        load_checkpoint(path, model, optimizer)
    assert snapshot(model, optimizer) == before


@pytest.mark.parametrize("num_layers", [1, 3])
def test_checkpoint_of_another_depth_is_refused_and_changes_nothing(path, num_layers):
    save_checkpoint(*trained(), 5, path)
    model, optimizer = model_and_optimizer(seed=11, num_layers=num_layers)
    before = snapshot(model, optimizer)
    with pytest.raises(ValueError, match=r"groups of \[\d+\] parameters but .*checkpoint\.pt holds"):
        load_checkpoint(path, model, optimizer)
    assert snapshot(model, optimizer) == before


def test_checkpoint_with_an_optimizer_of_other_groups_changes_nothing(path):
    save_checkpoint(*trained(), 5, path)
    model, _ = model_and_optimizer(seed=11)
    first, *rest = model.parameters()
    optimizer = AdamW([{"params": [first]}, {"params": rest}])
    before = snapshot(model, optimizer)
    with pytest.raises(ValueError, match=r"groups of \[1, 20\] parameters but .* groups of \[21\]"):
        load_checkpoint(path, model, optimizer)
    assert snapshot(model, optimizer) == before


def test_checkpoint_whose_writing_fails_leaves_the_old_one(path, monkeypatch):
    model, optimizer = trained()
    save_checkpoint(model, optimizer, 5, path)
    before = path.read_bytes()

    def write_half(content, file):
        file.write(b"half a checkpoint")
        raise OSError("no space left on device")

    monkeypatch.setattr(single_file.torch, "save", write_half)
    with pytest.raises(OSError, match="no space left"):
        save_checkpoint(model, optimizer, 6, path)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["checkpoint.pt"]


@pytest.mark.parametrize(
    "entry", [np.ones(3), deque([1]), Path("a"), range(3), {Path("a")}], ids=lambda e: type(e).__name__
)
def test_what_could_not_be_read_again_is_refused_when_it_is_saved(path, entry):
    model, optimizer = trained()
    optimizer.param_groups[0]["history"] = [entry]
    with pytest.raises(TypeError, match=r"optimizer\.param_groups\.history is a \w+; convert it first"):
        save_checkpoint(model, optimizer, 5, path)
    assert not path.exists()


@pytest.mark.parametrize(
    "entry",
    [b"ab", {3, 5}, 1j, torch.Size([3]), torch.float32, torch.device("cpu"), OrderedDict(a=1), (None, True)],
    ids=lambda e: type(e).__name__,
)
def test_what_is_plain_comes_back(path, entry):
    model, optimizer = trained()
    optimizer.param_groups[0]["history"] = entry
    save_checkpoint(model, optimizer, 5, path)
    resumed, resumed_optimizer = model_and_optimizer()
    load_checkpoint(path, resumed, resumed_optimizer)
    assert resumed_optimizer.param_groups[0]["history"] == entry
