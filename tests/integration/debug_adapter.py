"""A client of the Debug Adapter Protocol, as small as it can be: what VS Code does when a session starts.

The protocol: https://microsoft.github.io/debug-adapter-protocol/specification. Messages are JSON behind a
`Content-Length` header, here over the standard input and output of debugpy's adapter.
"""

import json
import subprocess
import sys
from typing import Any


class DebugSession:
    """A program under debugpy; use it in a `with` block."""

    def __init__(self, **launch_arguments: Any) -> None:
        self._adapter = subprocess.Popen(
            [sys.executable, "-m", "debugpy.adapter"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._number = 0
        self._events: list[dict[str, Any]] = []
        self.request("initialize", clientID="test", adapterID="debugpy", pathFormat="path")
        self._send("launch", {"python": [sys.executable], "console": "internalConsole", **launch_arguments})
        self.wait_for("initialized")
        self.request("configurationDone")

    def __enter__(self) -> "DebugSession":
        return self

    def __exit__(self, *_: object) -> None:
        self._adapter.kill()
        self._adapter.communicate()

    def request(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a request and return the body of its response; events that arrive meanwhile are kept."""
        number = self._send(command, arguments)
        while True:
            message = self._receive()
            if message["type"] == "response" and message["request_seq"] == number:
                assert message["success"], message
                return message.get("body", {})
            self._events.append(message)

    def wait_for(self, event: str) -> dict[str, Any]:
        """Return the body of the next event of that name."""
        while True:
            message = self._events.pop(0) if self._events else self._receive()
            if message.get("event") == event:
                return message.get("body", {})

    def top_frame(self, thread: int) -> dict[str, Any]:
        """Return where a stopped thread is."""
        return self.request("stackTrace", threadId=thread, levels=1)["stackFrames"][0]

    def _send(self, command: str, arguments: dict[str, Any]) -> int:
        self._number += 1
        message = {"seq": self._number, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(message).encode()
        assert self._adapter.stdin is not None
        self._adapter.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._adapter.stdin.flush()
        return self._number

    def _receive(self) -> dict[str, Any]:
        assert self._adapter.stdout is not None
        length = 0
        while (line := self._adapter.stdout.readline().strip()) != b"":
            name, _, value = line.partition(b": ")
            length = int(value) if name == b"Content-Length" else length
        assert length > 0, "the debug adapter closed the connection"
        return json.loads(self._adapter.stdout.read(length))
