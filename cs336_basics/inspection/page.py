"""One HTML file that holds everything: the template's style and scripts, and the data of a forward pass.

The page fetches nothing and runs nothing but its own script. Its Content-Security-Policy says so by the
hashes of style and script, and whatever the text holds, a `</script>` as well, arrives as data.
"""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from importlib.resources import files
from string import Template
from typing import Any

from cs336_basics.files.atomic import replace_file

TEMPLATE = files("cs336_basics.inspection") / "template"
SCRIPTS = ("data.js", "heat_map.js", "tokens.js", "attention.js", "residual_stream.js", "main.js")


def write_page(path: str | os.PathLike[str], data: Mapping[str, Any]) -> None:
    """Write the page of `page_data`'s data, whole or not at all."""
    page = render_page(data)
    with replace_file(path, "w") as file:
        file.write(page)


def render_page(data: Mapping[str, Any]) -> str:
    """Return the HTML."""
    style = template_file("page.css")
    script = "\n".join(template_file(name) for name in SCRIPTS)
    return Template(template_file("page.html")).substitute(
        style=style,
        style_hash=content_hash(style),
        script=script,
        script_hash=content_hash(script),
        data=json_for_html(data),
    )


def template_file(name: str) -> str:
    """Return one of the files that ship in `template/`."""
    return (TEMPLATE / name).read_text(encoding="utf-8")


def content_hash(content: str) -> str:
    """Return the hash by which a Content-Security-Policy allows an element with exactly this content."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def json_for_html(data: Mapping[str, Any]) -> str:
    """Return JSON that may stand in a `script` element: no tag can begin or end in it.

    Outside strings JSON has none of the three characters that are escaped.
    """
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")
