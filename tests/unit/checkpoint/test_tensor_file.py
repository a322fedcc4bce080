import os
import stat
import sys

import pytest
import torch
from safetensors import safe_open

from cs336_basics.checkpoint.tensor_file import write_tensors
from cs336_basics.files.failed_write import FailedWriteError


def test_tensors_and_metadata_are_what_the_library_reads_back(tmp_path):
    tensors = {"a": torch.randn(3, 5, 7), "b": torch.arange(11), "c": torch.tensor(1.5, dtype=torch.bfloat16)}
    write_tensors(tmp_path / "file", tensors, metadata={"format": "pt"})
    with safe_open(tmp_path / "file", framework="pt") as file:
        assert file.metadata() == {"format": "pt"}
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    torch.testing.assert_close(found, tensors, rtol=0, atol=0)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits to compare")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_the_file_has_the_permissions_of_an_ordinary_one(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_tensors(tmp_path / "file", {"a": torch.ones(3)})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~umask


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits a file as Linux does")
def test_a_disk_that_is_full_is_named_and_the_old_file_stays(tmp_path):
    resource = pytest.importorskip("resource")
    path = tmp_path / "file"
    write_tensors(path, {"a": torch.ones(3)})
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # Python ignores SIGXFSZ
    try:
        with pytest.raises(FailedWriteError, match=r"file must be written whole .*File too large.*make room"):
            write_tensors(path, {"a": torch.ones(3001)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the memory as on Linux")
def test_no_copy_of_the_tensors_is_made(tmp_path):
    def resident(name: str) -> int:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))

    tensors = {"a": torch.ones(20_000_000)}  # 80 MB
    write_tensors(tmp_path / "warm", {"a": torch.ones(3)})
    with open("/proc/self/clear_refs", "w", encoding="ascii") as peak:
        peak.write("5")  # the largest size so far becomes the present one
    before = resident("VmRSS")
    write_tensors(tmp_path / "file", tensors)
    assert resident("VmHWM") - before < 20_000_000
