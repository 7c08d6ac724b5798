"""A whole page in one file: its head with the policy that a browser holds it to, its style, its body.

The policy (Content Security Policy Level 3, as a ``meta`` element) allows nothing but what the page itself carries: no
address is asked, no form is sent, and a script runs only where its SHA-256 stands in the policy, so that markup which
came from a log could not run even if it ever became an element.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Sequence
from importlib.resources import files

from zeekml.records.discover import shown


def resource(package: str, name: str) -> str:
    """The text of a file that lies in a package, such as a page's style or script."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


STYLE = resource("zeekml.web", "base.css")
"""Letters, headings, tables and colours of every page, as light."""
DARK = resource("zeekml.web", "dark.css")
"""The colours for those who prefer dark; only for a page that draws with these colours alone."""


def text(value: object) -> str:
    """Anything as text of a page: controls as escapes, markup as what it reads."""
    return html.escape(shown(str(value)))


def whole_page(
    title: str, body: str, *, style: str, drawn_styles: bool = False, scripts: Sequence[str] = ()
) -> str:
    """The page. ``title``: plain text. ``body``: markup. ``style`` and ``scripts``: our own, without their tags.

    ``drawn_styles``: the body holds drawings whose elements have styles of their own.
    """
    policy = ["default-src 'none'"]
    # With a hash in it, a policy takes no notice of 'unsafe-inline'.
    policy.append("style-src " + ("'unsafe-inline'" if drawn_styles else _hash(style)))
    if scripts:
        policy.append("script-src " + " ".join(map(_hash, scripts)))
        policy += ["base-uri 'none'", "form-action 'none'"]
    tail = "".join(f"<script>{script}</script>\n" for script in scripts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n{tail}</body>\n</html>\n"
    )


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
