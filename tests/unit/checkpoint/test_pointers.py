import os
import shutil

import pytest

from cs336_basics.checkpoint.newest_whole import DamagedCheckpointWarning, newest_whole_checkpoint
from cs336_basics.checkpoint.pointers import checkpoint_folders, has_checkpoint, read_pointer
from tests.unit.checkpoint.small_checkpoint import save

on_posix = pytest.mark.skipif(os.name == "nt", reason="Windows allows links to few users")


def test_folders_are_in_the_order_of_their_steps_also_beyond_eight_digits(tmp_path):
    for name in ("step-100000000", "step-00000002", "step-99999999", "step-x", "step-1", "latest", "stuff"):
        (tmp_path / name).mkdir()
    names = [folder.name for folder in checkpoint_folders(tmp_path)]
    assert names == ["step-00000002", "step-99999999", "step-100000000"]


def test_a_folder_without_pointer_counts_as_a_checkpoint(tmp_path):
    assert not has_checkpoint(tmp_path / "none")
    assert not has_checkpoint(tmp_path)
    folder = save(tmp_path, 1)
    (tmp_path / "latest").unlink()  # as if killed between the two
    assert has_checkpoint(tmp_path)
    assert newest_whole_checkpoint(tmp_path) == folder


@pytest.mark.parametrize(
    "named", ["../elsewhere/step-00000001", "{}/elsewhere/step-00000001", "..", "step-00000001/..", "latest"]
)
def test_a_pointer_cannot_name_a_folder_elsewhere(tmp_path, named):
    save(tmp_path / "elsewhere", 1)
    here = tmp_path / "here"
    folder = save(here, 2)
    (here / "latest").write_text(named.format(tmp_path))
    with pytest.raises(ValueError, match="which names no checkpoint"):
        read_pointer(here, "latest")
    with pytest.warns(DamagedCheckpointWarning, match="which names no checkpoint.*step-00000002 is used"):
        assert newest_whole_checkpoint(here) == folder


@pytest.mark.parametrize("end", ["", "\r\n", " \n"])
def test_a_pointer_may_be_written_by_hand(tmp_path, end):
    folder = save(tmp_path, 1)
    save(tmp_path, 2)
    (tmp_path / "latest").write_bytes(f"{folder.name}{end}".encode())
    assert newest_whole_checkpoint(tmp_path) == folder


@on_posix
@pytest.mark.parametrize("what", ["folder", "pointer", "weights.safetensors", "checksums.sha256"])
def test_a_link_in_a_checkpoint_is_not_followed_even_to_a_good_one(tmp_path, what):
    folder, newest = save(tmp_path, 1), save(tmp_path, 2)
    linked = {"folder": newest, "pointer": tmp_path / "latest"}.get(what, newest / what)
    moved = tmp_path / "moved"
    os.rename(linked, moved)
    linked.symlink_to(moved)
    with pytest.warns(DamagedCheckpointWarning, match="is a symbolic link to .*moved"):
        assert newest_whole_checkpoint(tmp_path) == (newest if what == "pointer" else folder)


@on_posix
def test_removing_an_old_checkpoint_that_is_a_link_leaves_what_it_leads_to(tmp_path):
    elsewhere = save(tmp_path / "elsewhere", 1)
    here = tmp_path / "here"
    save(here, 1)
    shutil.rmtree(here / "step-00000001")
    (here / "step-00000001").symlink_to(elsewhere)
    (here / ".unfinished-step-00000007").symlink_to(tmp_path / "elsewhere")
    save(here, 2, keep=1)
    assert sorted(path.name for path in here.iterdir()) == ["latest", "step-00000002"]
    assert newest_whole_checkpoint(tmp_path / "elsewhere") == elsewhere
