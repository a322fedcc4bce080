"""A document as data: what a report consists of, whether it becomes Markdown or HTML."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """The title of a document (level 1) or of a part of it (2, 3)."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Some sentences."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """Sentences, each on its own."""

    items: list[str]


@dataclass(frozen=True)
class Table:
    """Rows of text below a header."""

    header: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Picture:
    """A PNG."""

    name: str
    """Of its file, without ending."""
    description: str
    png: bytes


Block = Heading | Paragraph | Bullets | Table | Picture
