"""Answers with status 200 that are not the file: nothing, or a page."""

import pytest

from cs336_basics.datasets.download import ATTEMPTS
from cs336_basics.datasets.errors import DownloadError
from cs336_basics.datasets.request import BrokenConnectionError
from tests.unit.datasets.file_server import FileServer, serving
from tests.unit.datasets.test_download import CONTENT, assert_whole, get, names


@pytest.mark.parametrize("tells_length", [True, False])
def test_a_file_of_no_bytes_is_refused_and_asked_for_again(tmp_path, tells_length):
    with serving(FileServer(content=b"", tells_length=tells_length)) as server:
        with pytest.raises(
            DownloadError, match=r"text\.txt must hold a text but .* has no bytes; get it anew"
        ):
            get(server, tmp_path)
        server.content = CONTENT
        get(server, tmp_path)
    assert_whole(tmp_path)


@pytest.mark.parametrize("content_type", ["text/html", "Text/HTML; charset=UTF-8", "application/xhtml+xml"])
def test_a_page_in_place_of_the_file_is_refused_also_behind_a_redirection(tmp_path, content_type):
    page = FileServer(content=b"<html>Please log in", content_type=content_type, moved_to="/login")
    for path in ("/text.txt", "/moved"):
        with (
            serving(page) as server,
            pytest.raises(
                DownloadError, match=r"must be a file but the server sent a page \(.*; log in with"
            ),
        ):
            get(server, tmp_path, path=path)
    assert names(tmp_path) == []


def test_a_page_in_place_of_the_rest_leaves_what_has_been_received(tmp_path):
    with serving(FileServer(content=CONTENT, break_after=[1009] + ATTEMPTS * [0])) as server:
        with pytest.raises(BrokenConnectionError):
            get(server, tmp_path)
        server.content_type, server.honours_range, server.content = "text/html", False, b"<html>"
        with pytest.raises(DownloadError, match="sent a page"):
            get(server, tmp_path)
    assert (tmp_path / "text.txt.part").read_bytes() == CONTENT[:1009]


def test_a_file_of_another_type_arrives(tmp_path):
    with serving(FileServer(content=CONTENT, content_type="text/plain; charset=utf-8")) as server:
        get(server, tmp_path)
    assert_whole(tmp_path)


@pytest.mark.parametrize("encoding", ["gzip", "BR"])
def test_a_body_that_the_server_has_packed_is_refused(tmp_path, encoding):
    with (
        serving(FileServer(content=CONTENT, content_encoding=encoding)) as server,
        pytest.raises(DownloadError, match=rf"must be sent as it is but .* \({encoding.lower()}\)"),
    ):
        get(server, tmp_path)
    assert names(tmp_path) == []


def test_a_packed_file_may_be_called_packed(tmp_path):
    with serving(FileServer(content=CONTENT, content_encoding="gzip")) as server:
        get(server, tmp_path, path="/text.txt.gz")
    assert_whole(tmp_path)
