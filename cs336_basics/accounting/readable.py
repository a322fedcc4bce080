"""Numbers for reading: three digits and a unit, and aligned columns."""

from collections.abc import Sequence

UNITS = ("", "k", "M", "G", "T", "P", "E", "Z")
TIMES = ((86_400, "days"), (3600, "hours"), (60, "minutes"), (1, "s"))


def with_unit(value: float, unit: str) -> str:
    """Write a number by powers of a thousand: 6561811200 with "B" gives "6.56 GB"."""
    prefix = 0
    while abs(value) >= 999.5 and prefix < len(UNITS) - 1:
        value /= 1000
        prefix += 1
    return f"{three_digits(value)} {UNITS[prefix]}{unit}"


def duration(seconds: float) -> str:
    """Write a time: 7200 gives "2.00 hours"."""
    size, name = next((time for time in TIMES if seconds >= 2 * time[0]), TIMES[-1])
    return f"{three_digits(seconds / size)} {name}"


def three_digits(value: float) -> str:
    """Write 0.0123, 1.23, 12.3, 123, 1,234."""
    return f"{value:,.0f}" if abs(value) >= 99.95 or value == 0 else f"{value:#.3g}"


def percent(share: float) -> str:
    """Write a share of 1 with one decimal."""
    return f"{share:.1%}"


def aligned(rows: Sequence[Sequence[str]], *, indent: int = 2) -> list[str]:
    """Return a line for each row: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        " " * indent
        + "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
