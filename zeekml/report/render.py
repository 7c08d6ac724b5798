"""The page of a document: our own markup, style and script, and the document as data that no browser runs."""

from __future__ import annotations

from typing import Any, Final

import orjson

from zeekml.web import DARK, STYLE, resource, whole_page

_PAGE: Final = "zeekml.report.page"
_SCRIPTS: Final = (
    "data.js", "dom.js", "filters.js", "tables.js", "hosts.js", "timeline.js", "map.js", "notices.js", "about.js",
    "main.js",
)  # fmt: skip
# Within an element, HTML ends data at "</" and changes its ways at "<!--"; the last two end a line of a script.
_INERT: Final = (
    (b"<", rb"\u003c"), (b">", rb"\u003e"), (b"&", rb"\u0026"),
    ("\u2028".encode(), rb"\u2028"), ("\u2029".encode(), rb"\u2029"),
)  # fmt: skip


def render(document: dict[str, Any]) -> str:
    """The page of a document as ``document`` makes it."""
    script = (
        '(function () {\n"use strict";\n'
        + "\n".join(resource(_PAGE, name) for name in _SCRIPTS)
        + "\n})();\n"
    )
    body = (
        resource(_PAGE, "body.html")
        + f'<script type="application/json" id="document">{embedded(document)}</script>'
    )
    return whole_page(
        "zeekml report", body, style=STYLE + DARK + resource(_PAGE, "style.css"), scripts=[script]
    )


def embedded(document: dict[str, Any]) -> str:
    """JSON in which no character means anything to HTML."""
    data = orjson.dumps(document)
    for character, escape in _INERT:
        data = data.replace(character, escape)
    return data.decode()
