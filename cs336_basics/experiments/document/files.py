"""A document on the disk: a Markdown file with a folder of pictures, and the same as one HTML page."""

from pathlib import Path

from cs336_basics.experiments.document.blocks import Block, Picture
from cs336_basics.experiments.document.html_page import to_html
from cs336_basics.experiments.document.markdown_page import to_markdown
from cs336_basics.files.atomic import make_folder, replace_file


def write_document(blocks: list[Block], path: Path, *, title: str) -> list[Path]:
    """Write `path` (Markdown), the same as .html, and a folder of pictures; return what was written.

    A name that does not end in .md is a `ValueError`.
    """
    if path.suffix != ".md":
        raise ValueError(
            f"the name of a Markdown file must end in .md but is {path.name!r}; take {path.stem}.md"
        )
    pictures = path.with_name(f"{path.stem}-pictures")
    make_folder(pictures)
    written = [path, path.with_suffix(".html")]
    for block in blocks:
        if isinstance(block, Picture):
            written.append(pictures / f"{block.name}.png")
            with replace_file(written[-1]) as file:
                file.write(block.png)
    texts = (to_markdown(blocks, picture_folder=pictures.name), to_html(blocks, title=title))
    for file_path, text in zip(written, texts, strict=False):
        with replace_file(file_path, "w") as file:
            file.write(text)
    return written
