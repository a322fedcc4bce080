"""Read a page as a browser would: its elements, and the data in its script."""

import base64
import json
from html.parser import HTMLParser
from typing import Any

import numpy as np


class PageReader(HTMLParser):
    """Collects the start tags, and what the elements hold whose content is no markup."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.contents: dict[str, str] = {}
        self._raw: str | None = None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self._raw = (attributes.get("id") or tag) if tag in ("script", "style") else None

    def handle_endtag(self, tag: str) -> None:
        self._raw = None

    def handle_data(self, data: str) -> None:
        if self._raw is not None:
            self.contents[self._raw] = self.contents.get(self._raw, "") + data

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.contents["data"])

    @property
    def policy(self) -> str:
        (policy,) = (a["content"] for _, a in self.tags if a.get("http-equiv") == "Content-Security-Policy")
        assert policy is not None
        return policy


def decoded_map(text: str, seq: int) -> np.ndarray:
    """A map as a square again, with zeros above the diagonal."""
    square = np.zeros((seq, seq))
    square[np.tri(seq, dtype=bool)] = np.frombuffer(base64.b64decode(text), dtype="<f2")
    return square
