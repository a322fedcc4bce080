"""What appears in an editor when the mouse rests on a public name, asked of a language server."""

import inspect

import pytest

import cs336_basics
from tests.integration.language_server import LanguageServer
from tests.integration.vscode import ROOT

NAMES = cs336_basics.__all__


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.endurance
@pytest.mark.parametrize(
    ("first_line", "before_name"),
    [("", "from cs336_basics import "), ("import cs336_basics", "cs336_basics.")],
    ids=["imported", "attribute"],
)
def test_hovering_over_each_public_name_shows_its_docstring(first_line, before_name):
    file = ROOT / "not_on_the_disk.py"
    with LanguageServer(ROOT) as server:
        server.open(file, "\n".join([first_line, *(before_name + name for name in NAMES)]))
        for line, name in enumerate(NAMES, start=1):
            shown = words(server.hover(file, line=line, character=len(before_name)))
            assert name in shown
            assert words(inspect.getdoc(getattr(cs336_basics, name)) or "no docstring") in shown
