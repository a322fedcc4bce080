"""Lay the tokens of a text out in lines of a terminal, the id of each below it.

    Every │ ␣t ensor │ ␣has │ ␣a  │ ␣n  ame │
    1039  │ 260 1743 │ 540  │ 261 │ 304 512 │

A bar closes each pre-token and each special token; a space separates the tokens within. In colors, the
tokens of a pre-token alternate between two and special tokens have a third. Nothing depends on colors: they
are only wrapped around the cells.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cs336_basics.tokenization.display.token_pieces import Piece
from cs336_basics.tokenization.display.visible_text import display_width, meanings_of_signs, visible

BAR = "│"
# Black or white on a color for the token, and that color for its id below.
COLORS = {"even": ("30;46", "36"), "odd": ("30;43", "33"), "special": ("97;45", "35")}


@dataclass(frozen=True)
class Cell:
    """One token on the screen: two texts, one above the other, and whether its piece ends with it."""

    token: str
    id: str
    color: str
    ends_piece: bool

    @property
    def width(self) -> int:
        """Columns that it takes, without the bar after it."""
        return max(display_width(self.token), len(self.id))


def display_pieces(pieces: Sequence[Piece], vocab: Mapping[int, bytes], *, width: int, in_color: bool) -> str:
    """Return the lines, separated by empty ones, and below them what the signs in them mean."""
    cells_of_pieces = [_cells_of(piece, vocab) for piece in pieces]
    blocks = []
    for cells in _fill_lines(cells_of_pieces, width):
        tokens = _row([(cell, cell.token, COLORS[cell.color][0]) for cell in cells], in_color=in_color)
        ids = _row([(cell, cell.id, COLORS[cell.color][1]) for cell in cells], in_color=in_color)
        blocks.append(f"{tokens}\n{ids}")
    shown = "".join(cell.token for cells in cells_of_pieces for cell in cells)
    if pieces:
        blocks.append(", ".join([f"{BAR} end of a pre-token", *meanings_of_signs(shown)]))
    return "\n\n".join(blocks)


def _cells_of(piece: Piece, vocab: Mapping[int, bytes]) -> list[Cell]:
    """Return one cell for each token of a pre-token, or the one of a special token, whose id says so."""
    if piece.is_special:
        return [Cell(visible(piece.text.encode()), f"special {piece.ids[0]}", "special", True)]
    return [
        Cell(visible(vocab[id]), str(id), ("even", "odd")[place % 2], place == len(piece.ids) - 1)
        for place, id in enumerate(piece.ids)
    ]


def _fill_lines(cells_of_pieces: Sequence[Sequence[Cell]], width: int) -> Iterator[list[Cell]]:
    """Yield lines of at most `width` columns, broken between pieces where these are no longer than a line.

    A token that is longer than a line gets one of its own.
    """
    line: list[Cell] = []
    column = 0
    for cells in cells_of_pieces:
        if line and column + _columns(cells) - 1 > width:
            yield line
            line, column = [], 0
        for cell in cells:
            if line and column + _columns([cell]) - 1 > width:
                yield line
                line, column = [], 0
            line.append(cell)
            column += _columns([cell])
    if line:
        yield line


def _columns(cells: Sequence[Cell]) -> int:
    """Return how many columns the cells take, with the bars and the spaces after them."""
    return sum(cell.width + (len(f" {BAR} ") if cell.ends_piece else len(" ")) for cell in cells)


def _row(cells: Sequence[tuple[Cell, str, str]], *, in_color: bool) -> str:
    """Join one of the two texts of each cell, given with its color."""
    parts = []
    for cell, text, color in cells:
        padded = text + " " * (cell.width - display_width(text))
        parts.append(f"\x1b[{color}m{padded}\x1b[0m" if in_color else padded)
        if cell.ends_piece:
            parts.append(BAR)
    return " ".join(parts).rstrip()
