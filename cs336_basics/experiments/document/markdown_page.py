"""A document as Markdown (GitHub's), with its pictures in a folder beside."""

import re

from cs336_basics.experiments.document.blocks import Block, Bullets, Heading, Paragraph, Picture, Table

# Underscores inside a word mean nothing; others would make text bold.
SIGNS = re.compile(r"[\\`*\[\]<>|~#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def to_markdown(blocks: list[Block], *, picture_folder: str) -> str:
    """Return the whole page."""
    return "\n\n".join(markdown_of(block, picture_folder) for block in blocks) + "\n"


def markdown_of(block: Block, picture_folder: str) -> str:
    """Return one block."""
    match block:
        case Heading():
            return f"{'#' * block.level} {escaped(block.text)}"
        case Paragraph():
            return escaped(block.text)
        case Bullets():
            return "\n".join(f"- {escaped(item)}" for item in block.items)
        case Table():
            lines = [block.header, ["---"] * len(block.header), *block.rows]
            rows = [lines[1] if line is lines[1] else [escaped(cell) for cell in line] for line in lines]
            return "\n".join(f"| {' | '.join(row)} |" for row in rows)
        case Picture():
            return f"![{escaped(block.description)}]({picture_folder}/{block.name}.png)"


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return SIGNS.sub(r"\\\g<0>", on_one_line(text))


def on_one_line(text: str) -> str:
    """Show the ends of lines as a sign."""
    return text.replace("\r", "").replace("\n", " ⏎ ")
