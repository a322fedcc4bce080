"""An HTTP server on loopback that has one file and every bad habit, one at a time."""

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

UNREADABLE_RECORD = b"\x17\x03\x03\x00\x20" + bytes(32)  # of TLS, sealed with no key
RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time: closing is a reset


@dataclass(kw_only=True)
class FileServer:
    content: bytes
    etag: str | None = '"first"'
    last_modified: str | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    is_brief: bool = False
    """Say of a rest only where it begins and ends."""
    sends_all_as_rest: bool = False
    honours_range: bool = True
    honours_if_range: bool = True
    claimed_length: int | None = None
    """What Content-Length says instead of the truth."""
    tells_length: bool = True
    break_after: list[int] = field(default_factory=list)
    """For each request in turn: close the connection after so many bytes of the body."""
    resets: bool = False
    tls: ssl.SSLContext | None = None
    """Speak TLS; a connection is then broken by a record that cannot be read."""
    statuses: list[int] = field(default_factory=list)
    """For each request in turn: an error instead of the file."""
    moved_to: str | None = None
    """Where the path /moved leads."""
    stall: threading.Event | None = None
    """Wait for this before a connection is broken."""
    url: str = ""
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range of each request."""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers["Range"]
        self.requests.append((handler.path, asked))
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            handler.send_error(status)
            return
        if self.moved_to is not None and handler.path == "/moved":
            handler.send_response(302)
            handler.send_header("Location", self.moved_to)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        match = re.fullmatch(r"bytes=(\d+)-", asked or "")
        start = int(match[1]) if match and self.honours_range and self.is_current(handler) else 0
        if start >= len(self.content) > 0:
            handler.send_error(416)
            return
        self.send_head(handler, start, partial=match is not None and start > 0)
        self.send_body(handler, self.content if self.sends_all_as_rest else self.content[start:])

    def is_current(self, handler: BaseHTTPRequestHandler) -> bool:
        given = handler.headers["If-Range"] or ""
        is_same = not given.startswith("W/") and given in (self.etag, self.last_modified)
        return is_same or not self.honours_if_range

    def send_head(self, handler: BaseHTTPRequestHandler, start: int, *, partial: bool) -> None:
        handler.send_response(206 if partial else 200)
        if partial:
            last, total = len(self.content) - 1, self.claimed_length or len(self.content)
            total = "*" if self.is_brief else total
            handler.send_header("Content-Range", f"bytes {start}-{last}/{total}")
        if self.tells_length:
            missing = 0 if self.sends_all_as_rest else start
            handler.send_header("Content-Length", str((self.claimed_length or len(self.content)) - missing))
        named = {"Content-Type": self.content_type, "Content-Encoding": self.content_encoding}
        if not (partial and self.is_brief):
            named |= {"ETag": self.etag, "Last-Modified": self.last_modified}
        for name, value in named.items():
            if value is not None:
                handler.send_header(name, value)
        handler.end_headers()

    def send_body(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        handler.close_connection = True
        if not self.break_after:
            handler.wfile.write(body)
            return
        handler.wfile.write(body[: self.break_after.pop(0)])
        handler.wfile.flush()
        if self.stall is not None:
            self.stall.wait(timeout=60)
        if self.tls is not None:
            with socket.socket(fileno=handler.connection.fileno()) as beneath:
                beneath.sendall(UNREADABLE_RECORD)
                beneath.detach()
        if self.resets:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


@contextlib.contextmanager
def serving(server: FileServer) -> Iterator[FileServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError):
                server.answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http_server:
        http_server.daemon_threads = True
        scheme = "http"
        if server.tls is not None:
            scheme, http_server.socket = "https", server.tls.wrap_socket(http_server.socket, server_side=True)
        server.url = f"{scheme}://127.0.0.1:{http_server.server_address[1]}"
        thread = threading.Thread(target=http_server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            if server.stall is not None:
                server.stall.set()
            http_server.shutdown()
            thread.join()
