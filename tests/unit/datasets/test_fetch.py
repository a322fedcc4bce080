import gzip
import random
import subprocess
import sys
import threading
import time

import pytest

from cs336_basics.cli.data import Data
from cs336_basics.datasets.catalogue import DATASETS, RemoteFile
from cs336_basics.datasets.errors import DownloadError, NoConnectionError
from cs336_basics.datasets.fetch import fetch_files
from tests.unit.datasets.file_server import FileServer, serving

TEXT = random.Random(17).randbytes(2_000_003)
FILES = (RemoteFile(name="a.txt.gz"), RemoteFile(name="b.txt.gz"))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


FETCHES = """
import sys
from pathlib import Path
from cs336_basics.datasets.catalogue import RemoteFile
from cs336_basics.datasets.fetch import fetch_files
fetch_files([RemoteFile(name="a.txt")], Path(sys.argv[2]), base_url=sys.argv[1], pause=0)
"""


def wait_for_bytes(path, num_bytes):
    deadline = time.monotonic() + 60
    while not (path.exists() and path.stat().st_size >= num_bytes):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_second_process_is_told_that_one_is_at_work_and_what_that_one_received_stays_whole(tmp_path):
    file, part = RemoteFile(name="a.txt"), tmp_path / "a.txt.part"
    with serving(FileServer(content=TEXT, break_after=[250_007], stall=threading.Event())) as server:
        with subprocess.Popen([sys.executable, "-c", FETCHES, server.url, str(tmp_path)]) as process:
            wait_for_bytes(part, 200_000)
            with pytest.raises(DownloadError, match=r"another one is at work on .*a\.txt; wait for it"):
                fetch_files([file], tmp_path, base_url=server.url, pause=0)
            assert len(server.requests) == 1
            process.kill()
        assert TEXT.startswith(part.read_bytes())
        fetch_files([file], tmp_path, base_url=server.url, pause=0)
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == TEXT


def test_packed_files_arrive_as_texts(tmp_path):
    with serving(FileServer(content=gzip.compress(TEXT), break_after=[1009])) as server:
        texts = fetch_files(FILES, tmp_path / "new" / "data", base_url=f"{server.url}/set/", pause=0)
    assert texts == [tmp_path / "new" / "data" / name for name in ("a.txt", "b.txt")]
    assert names(tmp_path / "new" / "data") == ["a.txt", "b.txt"]
    assert all(text.read_bytes() == TEXT for text in texts)
    assert [path for path, _ in server.requests] == ["/set/a.txt.gz", "/set/a.txt.gz", "/set/b.txt.gz"]


def test_what_is_there_needs_no_connection(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"mine")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"brought by hand"))
    fetch_files(FILES, tmp_path, base_url="http://127.0.0.1:9")
    assert (tmp_path / "a.txt").read_bytes() == b"mine"
    assert (tmp_path / "b.txt").read_bytes() == b"brought by hand"
    assert names(tmp_path) == ["a.txt", "b.txt"]


def test_what_was_brought_by_hand_is_checked(tmp_path):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"another"))
    with pytest.raises(DownloadError, match=r"a\.txt\.gz must have 5 bytes but .*a\.txt\.gz has"):
        fetch_files([RemoteFile(name="a.txt.gz", num_bytes=5)], tmp_path, base_url="http://127.0.0.1:9")


def damaged(packed):
    return packed[:1000] + b"damage" + packed[1006:]


@pytest.mark.parametrize("damage", [damaged, lambda packed: packed[:-5], lambda packed: b"<html>"])
def test_a_damaged_packed_file_is_named_and_leaves_no_text(tmp_path, damage):
    (tmp_path / "a.txt.gz").write_bytes(damage(gzip.compress(TEXT)))
    with pytest.raises(DownloadError, match=r"a\.txt\.gz must be a whole gzip file but is damaged \("):
        fetch_files(FILES[:1], tmp_path, base_url="http://127.0.0.1:9")
    assert names(tmp_path) == [".a.txt.gz.lock", "a.txt.gz"]


def test_a_packed_file_of_nothing_is_named_and_leaves_no_text(tmp_path):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b""))
    with pytest.raises(
        DownloadError, match=r"a\.txt\.gz must hold a text but holds nothing; remove it and try"
    ):
        fetch_files(FILES[:1], tmp_path, base_url="http://127.0.0.1:9")
    assert names(tmp_path) == [".a.txt.gz.lock", "a.txt.gz"]


def test_without_a_network_it_says_what_to_bring_where(tmp_path, monkeypatch):
    """The command with the addresses of the table, by way of a proxy that is not there."""
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(NoConnectionError) as caught:
        Data(dataset="owt", dir=tmp_path).execute()
    message = str(caught.value)
    assert "\n" not in message
    for file in DATASETS["owt"].files:
        assert f"{DATASETS['owt'].base_url}/{file.name} to {tmp_path / file.name}" in message


def test_the_table_has_the_course_s_files():
    texts = {name: [file.text_name for file in dataset.files] for name, dataset in DATASETS.items()}
    assert texts == {
        "tinystories": ["TinyStoriesV2-GPT4-train.txt", "TinyStoriesV2-GPT4-valid.txt"],
        "owt": ["owt_train.txt", "owt_valid.txt"],
    }
