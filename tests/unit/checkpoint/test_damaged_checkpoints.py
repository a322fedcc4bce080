import os
import random
import shutil

import pytest

from cs336_basics.checkpoint.checksums import CHECKSUMS, DamagedCheckpointError
from cs336_basics.checkpoint.newest_whole import (
    DamagedCheckpointWarning,
    mend_pointers,
    newest_whole_checkpoint,
    set_aside_damaged,
)
from cs336_basics.checkpoint.pointers import checkpoint_folders
from cs336_basics.checkpoint.run_checkpoint import FILES, check_run_checkpoint
from tests.unit.checkpoint.small_checkpoint import save

EVERY_FILE = (*FILES, CHECKSUMS)


def flips_noticed(folder, name, places) -> int:
    """Flip one bit at each of `places`, a byte and a bit, in turn; return how many were noticed by name."""
    path = folder / name
    whole = path.read_bytes()
    noticed = 0
    for byte, bit in places:
        path.write_bytes(whole[:byte] + bytes([whole[byte] ^ 1 << bit]) + whole[byte + 1 :])
        with pytest.raises(DamagedCheckpointError, match=name):
            check_run_checkpoint(folder)
        noticed += 1
    path.write_bytes(whole)
    check_run_checkpoint(folder)
    return noticed


@pytest.mark.parametrize("name", EVERY_FILE)
def test_a_flipped_bit_is_noticed_in_every_file(tmp_path, name):
    folder = save(tmp_path, 1)
    size = (folder / name).stat().st_size
    choose = random.Random(3)
    places = [(choose.randrange(size), choose.randrange(8)) for _ in range(200)]
    assert flips_noticed(folder, name, places) == 200


@pytest.mark.endurance
@pytest.mark.parametrize("name", EVERY_FILE)
def test_every_bit_of_a_checkpoint_is_noticed_when_it_flips(tmp_path, name):
    folder = save(tmp_path, 1)
    size = (folder / name).stat().st_size
    places = [(byte, bit) for byte in range(size) for bit in range(8)]
    assert flips_noticed(folder, name, places) == 8 * size


@pytest.mark.parametrize("name", EVERY_FILE)
def test_a_truncated_or_missing_file_is_reported_by_name_and_the_newest_good_one_is_used(tmp_path, name):
    save(tmp_path, 1, keep=3)
    good, newest = save(tmp_path, 2, keep=3), save(tmp_path, 3, keep=3)
    whole = (newest / name).read_bytes()
    for length in (len(whole) - 1, len(whole) // 2, 0, None):
        if length is None:
            (newest / name).unlink()
        else:
            (newest / name).write_bytes(whole[:length])
        with pytest.warns(DamagedCheckpointWarning, match=rf"step-00000003.*{name}.*step-00000002 is used"):
            assert newest_whole_checkpoint(tmp_path) == good


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
@pytest.mark.parametrize("put", [os.mkdir, getattr(os, "mkfifo", None)], ids=["folder", "pipe"])
@pytest.mark.parametrize("name", EVERY_FILE)
def test_a_folder_or_a_pipe_in_place_of_a_file_is_damage(tmp_path, name, put):
    folder = save(tmp_path, 1)
    (folder / name).unlink()
    put(folder / name)
    with pytest.raises(DamagedCheckpointError, match=f"{folder} is missing or damaged .{name} is no file"):
        check_run_checkpoint(folder)


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"step-00000009\n", b"step-00000002\0", b"\xff\xfe", b"step-2\n"], ids=repr
)
def test_a_pointer_that_names_no_checkpoint_is_reported_and_the_newest_good_one_used(tmp_path, content):
    newest = save(tmp_path, 2)
    (tmp_path / "latest").write_bytes(content)
    with pytest.warns(DamagedCheckpointWarning, match="latest|step-00000009"):
        assert newest_whole_checkpoint(tmp_path) == newest


def test_without_any_good_checkpoint_each_is_named(tmp_path):
    for step in (1, 2):
        (save(tmp_path, step) / "weights.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match=r"step-00000002.weights.*step-00000001.weights.*; restore one"):
        newest_whole_checkpoint(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes in folders")
@pytest.mark.parametrize("name", EVERY_FILE)
def test_a_pipe_in_place_of_a_file_is_damage_and_nobody_waits_for_it(tmp_path, name):
    folder = save(tmp_path, 1)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(DamagedCheckpointError, match=rf"step-00000001 is .* damaged \({name} is no file\)"):
        check_run_checkpoint(folder)


def test_of_several_processes_those_that_do_not_warn_use_the_same_checkpoint(tmp_path):
    good, newest = save(tmp_path, 1), save(tmp_path, 2)
    (newest / "state.json").unlink()
    assert newest_whole_checkpoint(tmp_path, warns=False) == good


def test_a_run_can_be_sent_back_by_naming_an_earlier_checkpoint(tmp_path):
    earlier, _ = save(tmp_path, 1), save(tmp_path, 2)
    (tmp_path / "latest").write_text("step-00000001")
    assert newest_whole_checkpoint(tmp_path) == earlier


def test_going_back_keeps_what_is_gone_back_to_until_there_is_a_newer_one(tmp_path):
    for step in (2, 4, 6):
        save(tmp_path, step, keep=3)
    mend_pointers(tmp_path, latest=tmp_path / "step-00000002", best=None)
    save(tmp_path, 3, keep=1)
    assert newest_whole_checkpoint(tmp_path) == tmp_path / "step-00000003"
    assert sorted(path.name for path in tmp_path.glob("step-*")) == [
        "step-00000003",
        "step-00000004",
        "step-00000006",
    ]
    save(tmp_path, 6, keep=1)
    assert [path.name for path in tmp_path.glob("step-*")] == ["step-00000006"]


def test_damaged_checkpoints_lose_their_names_and_older_ones_are_named_in_a_warning(tmp_path):
    folders = [save(tmp_path, step, keep=4) for step in (1, 2, 3, 4)]
    for damaged in (folders[0], folders[3]):
        (damaged / "random.json").unlink()
    with pytest.warns(DamagedCheckpointWarning, match=r"step-00000001.*; it is removed") as warned:
        set_aside_damaged(tmp_path, used=folders[2])
    assert len(warned) == 1
    assert checkpoint_folders(tmp_path) == folders[1:3]


def test_pointers_are_mended_to_what_a_run_continues_from(tmp_path):
    first, second = save(tmp_path, 1, is_best=True), save(tmp_path, 2)
    for pointer in ("latest", "best"):
        (tmp_path / pointer).write_text("step-00000007\n")
    mend_pointers(tmp_path, latest=second, best=first)
    assert (tmp_path / "latest").read_text() == "step-00000002\n"
    assert (tmp_path / "best").read_text() == "step-00000001\n"
    shutil.rmtree(first)
    mend_pointers(tmp_path, latest=second, best=first)
    assert not (tmp_path / "best").exists()
