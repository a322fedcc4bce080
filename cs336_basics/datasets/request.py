"""Ask a server for a file, or for the rest of one (RFC 9110, sections 13 and 14)."""

import http.client
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import urlsplit

from cs336_basics.datasets.errors import DownloadError, NoConnectionError

RANGE_NOT_SATISFIABLE = 416
PAGES = {"text/html", "application/xhtml+xml"}
MAY_PASS = {408, 425, 429, 500, 502, 503, 504}  # statuses of a server that may answer when asked again
BROKEN = (http.client.HTTPException, OSError)  # what a connection that breaks raises, of TLS too


class BrokenConnectionError(DownloadError):
    """The server could be reached, but not to the end."""


@dataclass(frozen=True, kw_only=True)
class Version:
    """What tells one version of a file from the next."""

    url: str
    validator: str | None
    """A strong ETag, else the date of the last change; None: the server tells neither."""
    num_bytes: int | None
    """Size of the whole file, if the server tells it."""

    def agrees(self, known: "Version") -> bool:
        """Say whether this can be the rest of that version: a rest need not repeat everything."""
        is_as_long = None in (self.num_bytes, known.num_bytes) or self.num_bytes == known.num_bytes
        return self.validator in (None, known.validator) and is_as_long


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The bytes of a file from `start` on, to be read in a `with` block."""

    response: http.client.HTTPResponse
    start: int
    version: Version

    def __enter__(self) -> "Answer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.response.close()

    def read(self, num_bytes: int) -> bytes:
        """Return some of the next bytes; none at the end, be it the right one or not."""
        try:
            return self.response.read1(num_bytes)
        except BROKEN as error:
            raise BrokenConnectionError(f"{self.version.url} broke off ({error})") from error


def ask(url: str, *, start: int, version: Version | None, timeout: float) -> Answer | None:
    """Ask for the bytes from `start` on if the file is still of that version, else for all of them.

    Returns None where the server has nothing after `start`. It may always answer with the whole file.
    """
    headers = {"Accept-Encoding": "identity"}  # else the length would be that of something else
    if start > 0 and version is not None and version.validator is not None:
        headers |= {"Range": f"bytes={start}-", "If-Range": version.validator}
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == RANGE_NOT_SATISFIABLE:
            return None
        kind = BrokenConnectionError if error.code in MAY_PASS else DownloadError
        raise kind(f"{url} must be there but the server says {error.code} ({error.reason})") from error
    except urllib.error.URLError as error:
        raise NoConnectionError(f"{url} must be reached but cannot be ({error.reason})") from error
    except BROKEN as error:
        raise BrokenConnectionError(f"{url} must answer but does not ({error})") from error
    return read_head(url, response)


def read_head(url: str, response: http.client.HTTPResponse) -> Answer:
    """Return what the head of a response says: where its bytes begin, and of which version they are."""
    refuse_page(url, response)
    refuse_encoded(url, response)
    etag, length = response.headers["ETag"], response.headers["Content-Length"]
    is_strong = etag is not None and not etag.startswith("W/")
    start, num_bytes = 0, int(length) if length is not None and length.isdecimal() else None
    if response.status == http.client.PARTIAL_CONTENT:
        content_range = response.headers["Content-Range"] or ""
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", content_range)
        if match is None:
            response.close()
            raise DownloadError(f"{url} must say which bytes it sends but says {content_range!r}")
        start, num_bytes = int(match[1]), None if match[2] == "*" else int(match[2])
    version = Version(
        url=url, validator=etag if is_strong else response.headers["Last-Modified"], num_bytes=num_bytes
    )
    return Answer(response=response, start=start, version=version)


def refuse_page(url: str, response: http.client.HTTPResponse) -> None:
    """Raise `DownloadError` for a page in place of the file, as a network sends it that asks for a login."""
    kind = response.headers.get_content_type()
    if kind in PAGES:
        response.close()
        raise DownloadError(
            f"{url} must be a file but the server sent a page ({kind}); log in with a browser if the network "
            "asks for it, and try again"
        )


def refuse_encoded(url: str, response: http.client.HTTPResponse) -> None:
    """Raise `DownloadError` for a body packed by the server: what is asked for is the file as it is."""
    encoding = (response.headers["Content-Encoding"] or "identity").lower()
    is_packed_file = urlsplit(url).path.endswith(".gz")  # then gzip is what the file is, and not its wrapping
    expected = {"identity", "gzip", "x-gzip"} if is_packed_file else {"identity"}
    if encoding not in expected:
        response.close()
        raise DownloadError(
            f"{url} must be sent as it is but the server packed it ({encoding}); get it by other means"
        )
