import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs336_basics.tokenization.display.layout import display_pieces
from cs336_basics.tokenization.display.token_pieces import Piece
from cs336_basics.tokenization.display.visible_text import display_width, visible

VOCAB = dict(
    enumerate([b"Hel", b"lo", b" ", b"w", b"\xc3", b"\xb6", b"r", b"ld", b"\n", b"<|e|>", "日".encode()])
)
PIECES = [
    Piece("Hello", [0, 1], False),
    Piece(" wörld", [2, 3, 4, 5, 6, 7], False),
    Piece("\n", [8], False),
    Piece("<|e|>", [9], True),
    Piece("日", [10], False),
]


def display(pieces=PIECES, *, vocab=VOCAB, width=80, in_color=False):
    return display_pieces(pieces, vocab, width=width, in_color=in_color)


def without_colors(text: str) -> str:
    plain = re.sub("\x1b" + r"\[[0-9;]+m", "", text)
    return "\n".join(line.rstrip() for line in plain.split("\n"))


def test_display_shows_pretokens_tokens_and_ids_in_columns():
    assert display().split("\n") == [
        "Hel lo │ ␣ w <C3> <B6> r ld │ ⏎ │ <|e|>     │ 日 │",
        "0   1  │ 2 3 4    5    6 7  │ 8 │ special 9 │ 10 │",
        "",
        "│ end of a pre-token, ␣ space, ⏎ newline, <C3> a byte that is part of a character",
    ]


def test_display_in_colors_alternates_within_each_pretoken_and_marks_special_tokens():
    shown = display(in_color=True)
    assert without_colors(shown) == display()
    assert shown.split("\n")[0].split("\x1b[0m")[:-1] == [
        "\x1b[30;46mHel",
        " \x1b[30;43mlo",
        " │ \x1b[30;46m␣",
        " \x1b[30;43mw",
        " \x1b[30;46m<C3>",
        " \x1b[30;43m<B6>",
        " \x1b[30;46mr",
        " \x1b[30;43mld",
        " │ \x1b[30;46m⏎",
        " │ \x1b[97;45m<|e|>    ",
        " │ \x1b[30;46m日",
    ]


def test_display_breaks_lines_between_pretokens_where_it_can():
    assert display(width=28).split("\n")[:-1] == [
        "Hel lo │",
        "0   1  │",
        "",
        "␣ w <C3> <B6> r ld │ ⏎ │",
        "2 3 4    5    6 7  │ 8 │",
        "",
        "<|e|>     │ 日 │",
        "special 9 │ 10 │",
        "",
    ]


def test_display_breaks_a_pretoken_that_is_longer_than_a_line_between_its_tokens():
    assert display(PIECES[:2], width=12).split("\n")[:-1] == [
        "Hel lo │",
        "0   1  │",
        "",
        "␣ w <C3>",
        "2 3 4",
        "",
        "<B6> r ld │",
        "5    6 7  │",
        "",
    ]


def test_display_gives_a_token_longer_than_a_line_one_of_its_own():
    vocab = {0: b"a", 1: b"-" * 40}
    shown = display([Piece("a" + "-" * 40 + "a", [0, 1, 0], False)], vocab=vocab, width=20).split("\n")
    assert shown[0:7:3] == ["a", "-" * 40, "a │"]


def test_display_of_nothing_is_empty():
    assert display([]) == ""


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=30), st.integers(18, 60))
def test_display_keeps_to_the_width_and_shows_all_tokens_in_order(pieces, width):
    blocks = display(pieces, width=width).split("\n\n")[:-1]
    assert all(display_width(line) <= width for block in blocks for line in block.split("\n"))
    tokens, ids = zip(*(block.split("\n") for block in blocks), strict=True)
    shown = [visible(VOCAB[id]) for piece in pieces for id in piece.ids]
    assert " ".join(tokens).replace("│", "").split() == shown
    numbers = " ".join(ids).replace("│", "").replace("special", "").split()
    assert numbers == [str(id) for piece in pieces for id in piece.ids]


@pytest.mark.parametrize("in_color", [False, True])
def test_display_aligns_each_bar_with_the_one_below(in_color):
    tokens, ids, *_ = without_colors(display(in_color=in_color)).split("\n")
    assert [display_width(tokens[: match.start()]) for match in re.finditer("│", tokens)] == [
        display_width(ids[: match.start()]) for match in re.finditer("│", ids)
    ]
