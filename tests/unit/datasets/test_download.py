import hashlib
import json
import random
import subprocess
import sys
import threading
import time

import pytest

from cs336_basics.datasets.catalogue import RemoteFile
from cs336_basics.datasets.download import ATTEMPTS, download
from cs336_basics.datasets.errors import DownloadError, NoConnectionError
from cs336_basics.datasets.request import BrokenConnectionError
from tests.unit.datasets.file_server import FileServer, serving

CONTENT = random.Random(11).randbytes(300_007)
OTHER = random.Random(13).randbytes(290_011)
ANY = RemoteFile(name="text.txt")


def get(server, folder, expected=ANY, path="/text.txt", timeout=20.0):
    download(server.url + path, folder / "text.txt", expected, timeout=timeout, pause=0)


def ranges(server):
    return [asked for _, asked in server.requests]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def assert_whole(folder, content=CONTENT):
    assert names(folder) == ["text.txt"]
    assert (folder / "text.txt").read_bytes() == content


@pytest.mark.parametrize("tells_length", [True, False])
def test_a_file_arrives_whole_and_nothing_else_is_left(tmp_path, tells_length):
    with serving(FileServer(content=CONTENT, tells_length=tells_length)) as server:
        get(server, tmp_path)
    assert ranges(server) == [None]
    assert_whole(tmp_path)


@pytest.mark.parametrize(
    "validators",
    [
        {"etag": '"first"'},
        {"etag": None, "last_modified": "Sat, 21 Nov 2026 07:28:00 GMT"},
        {"etag": 'W/"weak"', "last_modified": "Sat, 21 Nov 2026 07:28:00 GMT"},
    ],
    ids=["ETag", "date", "weak ETag and date"],
)
def test_a_broken_connection_goes_on_where_it_broke(tmp_path, validators):
    with serving(FileServer(content=CONTENT, break_after=[1009, 50_021], **validators)) as server:
        get(server, tmp_path)
    assert ranges(server) == [None, "bytes=1009-", "bytes=51030-"]
    assert_whole(tmp_path)


def test_a_connection_that_is_reset_goes_on(tmp_path):
    with serving(FileServer(content=CONTENT, break_after=[100_003], resets=True)) as server:
        get(server, tmp_path)
    assert len(server.requests) >= 2
    assert_whole(tmp_path)


def test_a_server_that_falls_silent_is_asked_again(tmp_path):
    with serving(FileServer(content=CONTENT, break_after=[1009], stall=threading.Event())) as server:
        get(server, tmp_path, timeout=0.2)
    assert ranges(server) == [None, "bytes=1009-"]
    assert_whole(tmp_path)


def test_what_one_call_received_is_used_by_the_next(tmp_path):
    with serving(FileServer(content=CONTENT, break_after=[1009] + ATTEMPTS * [0])) as server:
        with pytest.raises(BrokenConnectionError, match=r"text\.txt broke off after 1,009 bytes, also when"):
            get(server, tmp_path)
        assert names(tmp_path) == ["text.txt.part", "text.txt.part.json"]
        assert (tmp_path / "text.txt.part").read_bytes() == CONTENT[:1009]
        del server.requests[:]
        get(server, tmp_path)
    assert ranges(server) == ["bytes=1009-"]
    assert_whole(tmp_path)


def test_what_a_killed_process_received_is_used_by_the_next(tmp_path):
    with serving(FileServer(content=CONTENT, break_after=[250_007], stall=threading.Event())) as server:
        with subprocess.Popen([sys.executable, "-c", PROGRAM, server.url, str(tmp_path), "0"]) as process:
            part, deadline = tmp_path / "text.txt.part", time.monotonic() + 60
            while not (part.exists() and part.stat().st_size > 200_000):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            process.kill()
        received = part.stat().st_size
        assert received <= 250_007
        get(server, tmp_path)
    assert ranges(server) == [None, f"bytes={received}-"]
    assert_whole(tmp_path)


def test_a_server_that_ignores_ranges_sends_all_of_it_again(tmp_path):
    with serving(FileServer(content=CONTENT, honours_range=False, break_after=[200_003])) as server:
        get(server, tmp_path)
    assert ranges(server) == [None, "bytes=200003-"]
    assert_whole(tmp_path)


def test_a_server_that_names_no_version_is_not_asked_for_the_rest(tmp_path):
    with serving(FileServer(content=CONTENT, etag=None, break_after=[1009])) as server:
        get(server, tmp_path)
    assert ranges(server) == [None, None]
    assert_whole(tmp_path)


def test_a_connection_that_always_breaks_at_the_same_place_ends_at_some_time(tmp_path):
    refused = pytest.raises(BrokenConnectionError, match="try later")
    with (
        serving(FileServer(content=CONTENT, honours_range=False, break_after=99 * [1009])) as server,
        refused,
    ):
        get(server, tmp_path)
    assert len(server.requests) == 1 + ATTEMPTS


def test_a_rest_need_not_say_again_of_which_version_it_is(tmp_path):
    broken = FileServer(
        content=CONTENT, etag=None, last_modified="Sat, 21 Nov 2026 07:28:00 GMT", is_brief=True
    )
    broken.break_after = [1009, 50_021]
    with serving(broken) as server:
        get(server, tmp_path)
    assert ranges(server) == [None, "bytes=1009-", "bytes=51030-"]
    assert_whole(tmp_path)


def test_a_server_that_sends_all_for_the_rest_is_found_out(tmp_path):
    with serving(FileServer(content=CONTENT, sends_all_as_rest=True, break_after=[1009])) as server:
        get(server, tmp_path)
    assert ranges(server) == [None, "bytes=1009-", None]
    assert_whole(tmp_path)


@pytest.mark.parametrize("honours_if_range", [True, False])
@pytest.mark.parametrize("other", [OTHER, OTHER[:500]], ids=["about as long", "shorter than what is here"])
def test_a_file_that_changed_in_between_begins_anew(tmp_path, honours_if_range, other):
    broken = FileServer(content=CONTENT, break_after=[1009] + ATTEMPTS * [0])
    with serving(broken) as server:
        with pytest.raises(BrokenConnectionError):
            get(server, tmp_path)
        server.content, server.etag, server.honours_if_range = other, '"second"', honours_if_range
        get(server, tmp_path)
    assert_whole(tmp_path, other)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"url": 1}', None])
def test_a_part_of_an_unknown_version_begins_anew(tmp_path, damage):
    (tmp_path / "text.txt.part").write_bytes(OTHER[:1009])
    if damage is not None:
        (tmp_path / "text.txt.part.json").write_bytes(damage)
    with serving(FileServer(content=CONTENT)) as server:
        get(server, tmp_path)
    assert ranges(server) == [None]
    assert_whole(tmp_path)


def test_a_part_that_is_longer_than_the_file_begins_anew(tmp_path):
    with serving(FileServer(content=CONTENT)) as server:
        version = {"url": f"{server.url}/text.txt", "validator": '"first"', "num_bytes": len(CONTENT)}
        (tmp_path / "text.txt.part.json").write_text(json.dumps(version))
        (tmp_path / "text.txt.part").write_bytes(CONTENT + b"x")
        get(server, tmp_path)
    assert ranges(server) == ["bytes=300008-", None]
    assert_whole(tmp_path)


def test_a_part_that_is_whole_already_is_only_renamed(tmp_path):
    with serving(FileServer(content=CONTENT)) as server:
        version = {"url": f"{server.url}/text.txt", "validator": '"first"', "num_bytes": len(CONTENT)}
        (tmp_path / "text.txt.part.json").write_text(json.dumps(version))
        (tmp_path / "text.txt.part").write_bytes(CONTENT)
        get(server, tmp_path)
    assert server.requests == []
    assert_whole(tmp_path)


def test_a_server_that_promises_more_than_it_sends_is_found_out(tmp_path):
    refused = pytest.raises(BrokenConnectionError, match="must have more than 300,007 bytes")
    with serving(FileServer(content=CONTENT, claimed_length=len(CONTENT) + 1)) as server, refused:
        get(server, tmp_path)
    assert len(server.requests) <= 3 * ATTEMPTS
    assert not (tmp_path / "text.txt").exists()


def test_a_size_that_is_not_the_known_one_ends_it_before_anything_is_written(tmp_path):
    with serving(FileServer(content=CONTENT[:-1])) as server:
        expected = RemoteFile(name="text.txt", num_bytes=len(CONTENT))
        with pytest.raises(DownloadError, match=r"must have 300,007 bytes but http.*text\.txt has 300,006"):
            get(server, tmp_path, expected)
    assert len(server.requests) == 1
    assert not (tmp_path / "text.txt").exists()


def test_a_size_that_is_not_the_known_one_is_found_where_the_server_tells_none(tmp_path):
    refused = pytest.raises(DownloadError, match="must have 300,007 bytes but")
    with serving(FileServer(content=CONTENT[:-1], tells_length=False)) as server, refused:
        get(server, tmp_path, RemoteFile(name="text.txt", num_bytes=len(CONTENT)))
    assert names(tmp_path) == []


def test_the_sha256_is_checked_where_it_is_known(tmp_path):
    right, wrong = (hashlib.sha256(content).hexdigest() for content in (CONTENT, OTHER))
    with serving(FileServer(content=CONTENT, break_after=[1009])) as server:
        with pytest.raises(DownloadError, match=f"must have the SHA-256 {wrong} but .* has {right}"):
            get(server, tmp_path, RemoteFile(name="text.txt", sha256=wrong))
        assert names(tmp_path) == []
        get(server, tmp_path, RemoteFile(name="text.txt", num_bytes=len(CONTENT), sha256=right))
    assert_whole(tmp_path)


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_refusal_is_one_sentence_at_once(tmp_path, status):
    with (
        serving(FileServer(content=CONTENT, statuses=[status])) as server,
        pytest.raises(DownloadError, match=rf"^{server.url}/text\.txt must be there but .* {status} \(.*\)$"),
    ):
        get(server, tmp_path)
    assert len(server.requests) == 1
    assert names(tmp_path) == []


def test_a_server_that_is_busy_is_asked_again(tmp_path):
    with serving(FileServer(content=CONTENT, statuses=[503, 429])) as server:
        get(server, tmp_path)
    assert_whole(tmp_path)


def test_a_redirection_is_followed_also_for_the_rest(tmp_path):
    with serving(FileServer(content=CONTENT, moved_to="/there?signature=5", break_after=[1009])) as server:
        get(server, tmp_path, path="/moved")
    there = "/there?signature=5"
    asked = "bytes=1009-"
    assert server.requests == [("/moved", None), (there, None), ("/moved", asked), (there, asked)]
    assert_whole(tmp_path)


def test_no_connection_is_told_at_once(tmp_path):
    with serving(FileServer(content=CONTENT)) as server:
        pass
    with pytest.raises(NoConnectionError, match=rf"^{server.url}/text\.txt must be reached but cannot be \("):
        get(server, tmp_path)
    assert names(tmp_path) == []


def test_a_file_for_which_there_is_no_room_is_not_begun(tmp_path):
    with (
        serving(FileServer(content=CONTENT, claimed_length=10**18)) as server,
        pytest.raises(DownloadError, match=r"1,000,000,000,000,000,000 more bytes must fit into .*; make"),
    ):
        get(server, tmp_path)
    assert len(server.requests) == 1


PROGRAM = """
import sys
from pathlib import Path
from cs336_basics.datasets.catalogue import RemoteFile
from cs336_basics.datasets.download import download

url, folder, limit = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
if limit:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # Python ignores the signal
try:
    download(url + "/text.txt", folder / "text.txt", RemoteFile(name="text.txt"), pause=0)
except OSError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for the size of a file")
def test_a_disk_that_fills_up_is_one_sentence_and_what_fitted_is_used_later(tmp_path):
    with serving(FileServer(content=CONTENT)) as server:
        program = [sys.executable, "-c", PROGRAM, server.url, str(tmp_path), "100000"]
        result = subprocess.run(program, capture_output=True, text=True, timeout=60)
        part = tmp_path / "text.txt.part"
        assert result.stderr == (
            f"FailedWriteError: {part} must be written whole but cannot be (File too large); "
            "make room there and try again\n"
        )
        assert part.read_bytes() == CONTENT[:100_000]
        get(server, tmp_path)
    assert ranges(server) == [None, "bytes=100000-"]
    assert_whole(tmp_path)


def test_a_body_that_does_not_end_is_not_listened_to_for_long(tmp_path):
    server = FileServer(content=20 * CONTENT, tells_length=False)
    with serving(server), pytest.raises(DownloadError, match="must have 300,007 bytes but sent more"):
        get(server, tmp_path, RemoteFile(name="text.txt", num_bytes=len(CONTENT)))
    assert len(server.requests) == ATTEMPTS
    assert names(tmp_path) == []


def test_a_rest_may_say_the_length_that_the_beginning_did_not(tmp_path):
    server = FileServer(content=CONTENT, break_after=[], tells_length=False)
    with serving(server):
        version = {"url": f"{server.url}/text.txt", "validator": '"first"', "num_bytes": None}
        (tmp_path / "text.txt.part.json").write_text(json.dumps(version))
        (tmp_path / "text.txt.part").write_bytes(CONTENT[:1009])
        get(server, tmp_path)
    assert ranges(server) == ["bytes=1009-"]
    assert_whole(tmp_path)
