import io
import random
import zipfile

import pytest
import torch

from cs336_basics import load_checkpoint, save_checkpoint
from tests.unit.checkpoint.small_model import model_and_optimizer, snapshot, trained
from tests.unit.hostile import Touch, hostile_pickle


@pytest.fixture(scope="module")
def whole() -> bytes:
    """A checkpoint of five steps."""
    file = io.BytesIO()
    save_checkpoint(*trained(), 5, file)
    return file.getvalue()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoint.pt"


def test_checkpoint_never_runs_code(tmp_path, path):
    marker = tmp_path / "code was run"
    path.write_bytes(hostile_pickle(marker))
    model, optimizer = trained()
    with pytest.raises(ValueError, match=r"whole file written by save_checkpoint but .*checkpoint\.pt"):
        load_checkpoint(path, model, optimizer)
    torch.save({"model": Touch(marker), "optimizer": {}, "iteration": 0}, path)
    with pytest.raises(ValueError, match=r"whole file written by save_checkpoint but .*checkpoint\.pt"):
        load_checkpoint(path, model, optimizer)
    assert not marker.exists()


def test_checkpoint_that_is_cut_off_is_refused_and_changes_nothing(path):
    save_checkpoint(*trained(), 5, path)
    whole = path.read_bytes()
    model, optimizer = model_and_optimizer(seed=11)
    before = snapshot(model, optimizer)
    lengths = [0, 1, 4, 100, len(whole) // 2, len(whole) - 100, len(whole) - 1]
    for length in lengths:
        path.write_bytes(whole[:length])
        for source in (path, io.BytesIO(whole[:length])):
            with pytest.raises(ValueError, match="must be a whole file"):
                load_checkpoint(source, model, optimizer)
    assert snapshot(model, optimizer) == before


def test_checkpoint_of_random_bytes_is_refused():
    model, optimizer = model_and_optimizer()
    source = random.Random(7)
    for _ in range(300):
        with pytest.raises(ValueError, match="must be a whole file"):
            load_checkpoint(io.BytesIO(source.randbytes(source.randrange(40))), model, optimizer)


def outside_the_entries(whole: bytes) -> list[int]:
    """Places that no checksum covers: headers, names, padding, the directory."""
    places = set(range(len(whole)))
    for entry in zipfile.ZipFile(io.BytesIO(whole)).infolist():
        name_and_extra = whole[entry.header_offset + 26 : entry.header_offset + 30]
        begin = entry.header_offset + 30 + sum(name_and_extra[::2]) + 256 * sum(name_and_extra[1::2])
        places -= set(range(begin, begin + entry.file_size))
    return sorted(places)


def test_checkpoint_with_a_flipped_bit_is_refused_or_loads_the_same(whole):
    model, optimizer = model_and_optimizer(seed=11)
    load_checkpoint(io.BytesIO(whole), model, optimizer)
    loaded, choose, refused = snapshot(model, optimizer), random.Random(5), 0
    outside = outside_the_entries(whole)
    places = [choose.randrange(len(whole)) for _ in range(60)] + choose.sample(outside, 60)
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << choose.randrange(8)
        try:
            assert load_checkpoint(io.BytesIO(damaged), model, optimizer) == 5
        except ValueError:
            refused += 1
        assert snapshot(model, optimizer) == loaded
    assert refused >= sum(place not in outside for place in places)


def test_checkpoint_with_another_weight_than_was_written_is_refused_by_the_name_of_the_file(path, whole):
    model, optimizer = model_and_optimizer()
    load_checkpoint(io.BytesIO(whole), model, optimizer)
    weight = model.state_dict()["ln_final.weight"].numpy().tobytes()
    at = whole.index(weight)
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    with pytest.raises(ValueError, match=r"whole file written by save_checkpoint but .*checkpoint\.pt"):
        load_checkpoint(path, *model_and_optimizer())


def test_checkpoint_with_an_entry_marked_as_a_folder_is_refused(whole):
    marked = bytearray(whole)
    marked[whole.rindex(b"PK\1\2") + 38] |= 0x10
    with pytest.raises(ValueError, match="must be a whole file"):
        load_checkpoint(io.BytesIO(marked), *model_and_optimizer())


def test_checkpoint_that_was_compressed_is_refused(path, whole):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in (source := zipfile.ZipFile(io.BytesIO(whole))).namelist():
            archive.writestr(name, source.read(name))
    with pytest.raises(ValueError, match="must be a whole file"):
        load_checkpoint(path, *model_and_optimizer())


DAMAGES = {
    "iteration is text": lambda content: content.update(iteration="5"),
    "model is a number": lambda content: content.update(model=1),
    "a weight has no name": lambda content: content["model"].update({7: torch.ones(1)}),
    "weights are numbers": lambda content: content.update(model=dict.fromkeys(content["model"], 1.0)),
    "weights are integers": lambda content: content["model"].update(
        {"ln_final.weight": torch.ones(28, dtype=torch.int64)}
    ),
    "a weight has no content": lambda content: content["model"].update(
        {"ln_final.weight": torch.ones(28, device="meta")}
    ),
    "optimizer is a number": lambda content: content.update(optimizer=2),
    "optimizer is empty": lambda content: content.update(optimizer={}),
    "groups are a number": lambda content: content["optimizer"].update(param_groups=5),
    "groups are lists": lambda content: content["optimizer"].update(param_groups=[[1]]),
    "state is a number": lambda content: content["optimizer"].update(state=5),
    "state is text": lambda content: content["optimizer"]["state"].update({20: "abc"}),
}


def assert_refused_and_nothing_changed(path, model, optimizer, message: str) -> None:
    for weight in model.parameters():
        weight.data += 1  # so that what the file holds would be seen
    before = snapshot(model, optimizer)
    with pytest.raises(ValueError, match=message):
        load_checkpoint(path, model, optimizer)
    assert snapshot(model, optimizer) == before


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", [None, torch.optim.AdamW], ids=["ours", "torch's"])
def test_checkpoint_of_damaged_content_is_refused_by_name_and_changes_nothing(path, damage, kind):
    model, optimizer = trained()
    if kind is not None:
        optimizer = kind(model.parameters())
    save_checkpoint(model, optimizer, 5, path)
    content = torch.load(path, weights_only=True)
    DAMAGES[damage](content)
    torch.save(content, path)
    assert_refused_and_nothing_changed(path, model, optimizer, r"checkpoint\.pt")


def test_checkpoint_whose_optimizer_fails_while_taking_it_over_leaves_all_as_it_was(path):
    model, _ = trained()
    optimizer = torch.optim.Adam(model.parameters())
    save_checkpoint(model, optimizer, 5, path)
    content = torch.load(path, weights_only=True)
    content["optimizer"]["state"] = {0: {"a state": "without a step"}}
    torch.save(content, path)
    assert_refused_and_nothing_changed(
        path, model, optimizer, r"state of an optimizer but that in .*checkpoint\.pt"
    )


def test_checkpoint_behind_other_bytes_of_an_open_file_is_read(whole):
    file = io.BytesIO(b"something else" + whole)
    file.seek(len(b"something else"))
    assert load_checkpoint(file, *model_and_optimizer()) == 5
