import pytest
from hypothesis import given

from cs336_basics.tokenization.display.visible_text import display_width, meanings_of_signs, visible
from tests.unit.tokenization.references import BOUNDED, any_text


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (b" the", "␣the"),
        (b"\r\n\t", "␍⏎⇥"),
        ("é日".encode(), "é日"),
        (b"\xe4\xb8", "<E4><B8>"),
        (b" \xe4", "␣<E4>"),
        (b"\xad\xe6\x96\x87", "<AD>文"),
        (b"\xff\xc3\xa9", "<FF>é"),
        (b"\x1b[0m", "<U+001B>[0m"),
        ("\xa0\u200b\u2028".encode(), "<U+00A0><U+200B><U+2028>"),
        ("\U000e0001".encode(), "<U+E0001>"),
        ("\u0301x".encode(), "◌\u0301x"),
        ("e\u0301".encode(), "e\u0301"),
    ],
)
def test_visible_shows_everything(token, expected):
    assert visible(token) == expected


@BOUNDED
@given(any_text)
def test_visible_text_has_nothing_that_would_move_the_cursor(text):
    for length in (1, 2, 3):
        data = text.encode()
        for start in range(0, len(data), length):
            shown = visible(data[start : start + length])
            assert shown.isprintable()
            assert " " not in shown


@pytest.mark.parametrize(
    ("text", "width"),
    [("ab", 2), ("日本", 4), ("é", 1), ("e\u0301", 1), ("◌\u0301", 1), ("😀", 2), ("␣⏎", 2)],
)
def test_display_width_counts_columns(text, width):
    assert display_width(text) == width


def test_meanings_are_given_for_the_signs_that_occur():
    assert meanings_of_signs("abc") == []
    assert meanings_of_signs("␣a⏎␣<E4><B8>") == [
        "␣ space",
        "⏎ newline",
        "<E4> a byte that is part of a character",
    ]
    assert meanings_of_signs("<U+200B>") == ["<U+200B> a character that cannot be seen"]
    assert len(meanings_of_signs("␣⏎␍⇥◌\u0301<E4><U+00A0>")) == 7
