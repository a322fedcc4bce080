"""JSON messages behind a `Content-Length` header, as debug adapters and language servers exchange them."""

import json
from io import BufferedRWPair
from typing import IO, Any

Stream = IO[bytes] | BufferedRWPair


def write_message(stream: Stream, message: dict[str, Any]) -> None:
    body = json.dumps(message).encode()
    stream.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    stream.flush()


def read_message(stream: Stream) -> dict[str, Any]:
    length = 0
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.partition(b": ")
        length = int(value) if name == b"Content-Length" else length
    assert length > 0, "the other side closed the connection"
    return json.loads(stream.read(length))
