"""A client of the Debug Adapter Protocol, as small as it can be: what VS Code does in a debug session.

The protocol: https://microsoft.github.io/debug-adapter-protocol/specification, here over a TCP connection to
debugpy's adapter on the loopback interface.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from tests.integration.command import ONE_THREAD
from tests.integration.framing import read_message, write_message

SECONDS_TO_WAIT = 120


class DebugSession:
    """A program under debugpy; use it in a `with` block.

    `configuration` is one of launch.json with nothing left to substitute, `breakpoints` maps source files to
    lines, and `folder` is where the session may write: what the program prints goes to `terminal.txt`.
    """

    def __init__(
        self, configuration: Mapping[str, Any], folder: Path, breakpoints: Mapping[Path, list[int]]
    ) -> None:
        self.configuration, self.folder, self.breakpoints = configuration, folder, breakpoints
        self._terminal: subprocess.Popen[bytes] | None = None
        self._adapter, port = start_adapter(folder / "endpoints.json")
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=SECONDS_TO_WAIT)
        self._stream = self._connection.makefile("rwb")
        self._number = 0
        self._events: list[dict[str, Any]] = []

    def __enter__(self) -> "DebugSession":
        """Start the program, up to where it runs."""
        with ExitStack() as ends_if_this_fails:
            ends_if_this_fails.push(self)
            self.request(
                "initialize", clientID="vscode", adapterID="debugpy", supportsRunInTerminalRequest=True
            )
            self._send("request", command="launch", arguments=self.configuration)
            self.wait_for("initialized")
            for path, lines in self.breakpoints.items():
                self.set_breakpoints(path, lines)
            self.request("configurationDone")
            ends_if_this_fails.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End the program as the red square does, and see that nothing stays behind."""
        with suppress(OSError):  # the adapter may have ended already
            self._send("request", command="disconnect", arguments={"terminateDebuggee": True})
        for process in (self._terminal, self._adapter):
            if process is not None:
                try:
                    process.wait(timeout=SECONDS_TO_WAIT)
                finally:
                    process.kill()
        self._stream.close()
        self._connection.close()

    def set_breakpoints(self, path: Path, lines: list[int]) -> None:
        """Have breakpoints at these lines of a file, and no others."""
        places = [{"line": line} for line in lines]
        answer = self.request("setBreakpoints", source={"path": str(path)}, breakpoints=places)
        assert [place["line"] for place in answer["breakpoints"]] == lines

    def wait_for_stop(self) -> dict[str, Any]:
        """Return the frame in which the program stops next; it has an `id`, a `name` and a `line`."""
        self.thread = self.wait_for("stopped")["threadId"]
        return self.top_frame()

    def top_frame(self) -> dict[str, Any]:
        """Return the frame in which the program stands."""
        return self.request("stackTrace", threadId=self.thread, levels=1)["stackFrames"][0]

    def go(self, command: str) -> dict[str, Any]:
        """Give the command `continue`, `next` or `stepIn`, and return the frame of the next stop."""
        self.request(command, threadId=self.thread)
        return self.wait_for_stop()

    def variables(self, frame: dict[str, Any]) -> dict[str, str]:
        """Return what the variable pane shows of a frame's local variables."""
        scopes = self.request("scopes", frameId=frame["id"])["scopes"]
        reference = next(scope["variablesReference"] for scope in scopes if scope["name"] == "Locals")
        variables = self.request("variables", variablesReference=reference)["variables"]
        return {variable["name"]: variable["value"] for variable in variables}

    def evaluate(self, expression: str, frame: dict[str, Any], context: str = "repl") -> str:
        """Return what the debug console (`repl`), a watch or the mouse pointer (`hover`) shows."""
        return self.request("evaluate", expression=expression, frameId=frame["id"], context=context)["result"]

    def run_to_the_end(self) -> tuple[int, str]:
        """Let the program go on; return its exit code and all that it has printed."""
        self.request("continue", threadId=self.thread)
        code = self.wait_for("exited")["exitCode"]
        assert self._terminal is not None
        self._terminal.wait(timeout=SECONDS_TO_WAIT)
        return code, (self.folder / "terminal.txt").read_text(encoding="utf-8")

    def request(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a request and return the body of its response; events that arrive meanwhile are kept."""
        number = self._send("request", command=command, arguments=arguments)
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
            assert message.get("success", True), message

    def _send(self, type: str, **content: Any) -> int:
        self._number += 1
        write_message(self._stream, {"seq": self._number, "type": type, **content})
        return self._number

    def _receive(self) -> dict[str, Any]:
        """Return the next message that is meant for us; what the adapter asks for is done here."""
        message = read_message(self._stream)
        if message["type"] != "request":
            return message
        assert message["command"] == "runInTerminal", message
        self._run_in_terminal(message["arguments"])
        answer = {"request_seq": message["seq"], "command": "runInTerminal", "success": True, "body": {}}
        self._send("response", **answer)
        return self._receive()

    def _run_in_terminal(self, asked: dict[str, Any]) -> None:
        assert asked["kind"] == "integrated"
        with (self.folder / "terminal.txt").open("wb") as output:
            self._terminal = subprocess.Popen(
                asked["args"],
                cwd=asked["cwd"],
                env={**ONE_THREAD, **asked["env"]},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )


def start_adapter(endpoints: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start debugpy's adapter on a free port, and return the process and the port."""
    adapter = subprocess.Popen(
        [sys.executable, "-m", "debugpy.adapter", "--host", "127.0.0.1", "--port", "0"],
        env={**os.environ, "DEBUGPY_ADAPTER_ENDPOINTS": str(endpoints)},
    )
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while not (endpoints.is_file() and endpoints.read_text().endswith("\n")):
        assert adapter.poll() is None, "the debug adapter ended before it listened"
        assert time.monotonic() < deadline, "the debug adapter does not listen"
        time.sleep(0.01)
    return adapter, json.loads(endpoints.read_text())["client"]["port"]
