"""Write results as Markdown: numbers with three digits, medians with their spread, aligned tables."""

from collections.abc import Sequence


def three_digits(value: float) -> str:
    """Write a number for reading: 0.0123, 1.23, 12.3, 123, 1,234."""
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:#.3g}"


def spread(values: Sequence[float], unit: str) -> str:
    """Write the smallest and the largest value: "1.20 to 1.31 s"."""
    return f"{three_digits(min(values))} to {three_digits(max(values))} {unit}"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Align the columns: the first to the left, and those that hold numbers to the right."""
    columns = list(zip(header, *rows, strict=True))
    widths = [max(3, *map(len, column)) for column in columns]
    to_the_right = [_has_numbers(column[1:]) for column in columns]
    rule = ["-" * (width - right) + ":" * right for width, right in zip(widths, to_the_right, strict=True)]
    lines = []
    for cells in (header, rule, *rows):
        padded = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, to_the_right, strict=True)
        ]
        lines.append(f"| {' | '.join(padded)} |")
    return "\n".join(lines)


def _has_numbers(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(cell[0].isdigit() for cell in filled)
