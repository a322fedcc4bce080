"""A client of the Language Server Protocol, as small as it can be: what an editor asks when the mouse rests.

The protocol: https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification. The
server is basedpyright's, which reads types and docstrings as Pylance does.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.integration.framing import read_message, write_message


class LanguageServer:
    """The editor's knowledge of a folder; use it in a `with` block."""

    def __init__(self, folder: Path) -> None:
        program = Path(sys.executable).parent / "basedpyright-langserver"
        self._server = subprocess.Popen(
            [program, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder
        )
        self._number = 0
        hover = {"contentFormat": ["plaintext"]}
        self.request(
            "initialize",
            processId=None,
            rootUri=folder.as_uri(),
            workspaceFolders=[{"uri": folder.as_uri(), "name": folder.name}],
            capabilities={"textDocument": {"hover": hover}},
        )
        self._notify("initialized", {})

    def __enter__(self) -> "LanguageServer":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        self._server.communicate()

    def open(self, path: Path, text: str) -> None:
        """Show `text` as the content of a file, which need not exist."""
        document = {"uri": path.as_uri(), "languageId": "python", "version": 1, "text": text}
        self._notify("textDocument/didOpen", {"textDocument": document})

    def hover(self, path: Path, *, line: int, character: int) -> str:
        """Return what appears when the mouse rests there; lines and characters are counted from 0."""
        place = {"line": line, "character": character}
        answer = self.request("textDocument/hover", textDocument={"uri": path.as_uri()}, position=place)
        return "" if answer is None else answer["contents"]["value"]

    def request(self, method: str, **parameters: Any) -> Any:
        """Send a request and return its result; notifications that arrive meanwhile are dropped."""
        self._number += 1
        self._write({"id": self._number, "method": method, "params": parameters})
        while True:
            message = read_message(self._output)
            if "method" in message:
                self._answer(message)
            elif message["id"] == self._number:
                assert "error" not in message, message
                return message["result"]

    def _answer(self, message: dict[str, Any]) -> None:
        """Give the server what it asks for: no settings of our own."""
        if "id" in message:
            items = message.get("params", {}).get("items", [])
            self._write({"id": message["id"], "result": [None] * len(items) if items else None})

    def _notify(self, method: str, parameters: dict[str, Any]) -> None:
        self._write({"method": method, "params": parameters})

    def _write(self, message: dict[str, Any]) -> None:
        assert self._server.stdin is not None
        write_message(self._server.stdin, {"jsonrpc": "2.0", **message})

    @property
    def _output(self) -> Any:
        return self._server.stdout
