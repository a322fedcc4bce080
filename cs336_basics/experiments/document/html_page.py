"""A document as one HTML page that needs nothing besides itself."""

import base64
import html

from cs336_basics.experiments.document.blocks import Block, Bullets, Heading, Paragraph, Picture, Table

STYLE = """\
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-size: 14px; display: block; overflow-x: auto; }
th, td { border: 1px solid #bbb; padding: 0.2rem 0.6rem; text-align: left; vertical-align: top; }
td { white-space: pre-wrap; }
img { max-width: 100%; }
@media (prefers-color-scheme: dark) {
  body { background: #181818; color: #ddd; }
  img { background: white; }
}
"""


def to_html(blocks: list[Block], *, title: str) -> str:
    """Return the whole page."""
    body = "\n".join(html_of(block) for block in blocks)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def html_of(block: Block) -> str:
    """Return one block."""
    match block:
        case Heading():
            return f"<h{block.level}>{html.escape(block.text)}</h{block.level}>"
        case Paragraph():
            return f"<p>{html.escape(block.text)}</p>"
        case Bullets():
            return "<ul>" + "".join(f"<li>{html.escape(item)}</li>" for item in block.items) + "</ul>"
        case Table():
            rows = [row_of(block.header, "th"), *(row_of(row, "td") for row in block.rows)]
            return "<table>\n" + "\n".join(rows) + "\n</table>"
        case Picture():
            data = base64.b64encode(block.png).decode("ascii")
            return f'<img alt="{html.escape(block.description)}" src="data:image/png;base64,{data}">'


def row_of(cells: list[str], tag: str) -> str:
    """Return a row of a table."""
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"
