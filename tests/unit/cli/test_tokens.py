import sys

import pytest

from cs336_basics.cli.tokens import read_standard_input


def test_standard_input_that_is_closed_is_one_sentence(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)  # as Python sets it then
    with pytest.raises(ValueError, match="but that is closed; give a text"):
        read_standard_input()
