"""The page as a text: data that no browser runs, scripts that the policy names, no address of the network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.report.logs import HOSTILE, notice, scored
from tests.report.test_document import gathered, made
from zeekml.report import render
from zeekml.report.render import embedded


class Page(HTMLParser):
    """The elements of a page with their attributes, and the text in each script and style."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[tuple[str, dict[str, str | None], str]] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._open.append(self.elements[-1])

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1][0] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.inside.append((*self._open[-1], data))


def hostile(folder: Path) -> str:
    ends = dict.fromkeys(("uid", "id.orig_h", "id.resp_h", "proto", "model"), HOSTILE)
    lines = [scored(**ends, reasons=HOSTILE, class_name=HOSTILE, service=HOSTILE)]
    return render(made(gathered(folder, [notice(**ends, why=HOSTILE, class_name=HOSTILE)], lines)))


def test_the_policy_allows_our_own_script_and_style_and_nothing_else(tmp_path: Path) -> None:
    page = Page(hostile(tmp_path))
    (policy,) = [
        held["content"] for _, held in page.elements if held.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.split(" ", 1) for rule in str(policy).split("; "))
    assert set(rules) == {"default-src", "style-src", "script-src", "base-uri", "form-action"}
    assert {rules[name] for name in ("default-src", "base-uri", "form-action")} == {"'none'"}
    for kind, rule in (("style", "style-src"), ("script", "script-src")):
        (content,) = [text for tag, held, text in page.inside if tag == kind and "type" not in held]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"


def test_markup_in_any_field_makes_no_element(tmp_path: Path) -> None:
    clean = Page(render(made(gathered(tmp_path, [notice()], [scored()]))))
    text = hostile(tmp_path)
    page = Page(text)
    assert page.elements == clean.elements
    assert text.count("<script") == 2
    assert "<img" not in text
    assert "<!--" not in text
    (data,) = [text for tag, held, text in page.inside if held.get("type") == "application/json"]
    assert any("<script>" in string for string in json.loads(data)["strings"])


def test_the_page_names_no_address(tmp_path: Path) -> None:
    text = render(made(gathered(tmp_path, [notice()], [scored()])))
    assert set(re.findall(r"https?://[^\"'` ]+", text)) == {"http://www.w3.org/2000/svg"}
    for tag, held in Page(text).elements:
        assert tag not in {"link", "iframe", "object", "img", "base"}
        assert "src" not in held
        assert "style" not in held
        assert not any(name.startswith("on") for name in held)
        assert str(held.get("href", "#")).startswith("#")


def test_our_script_makes_text_and_no_markup(root: Path) -> None:
    for path in sorted((root / "zeekml" / "report" / "page").glob("*.js")):
        script = path.read_text(encoding="utf-8")
        for way in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "Function(",
            ".style",
            "fetch(",
        ):
            assert way not in script, f"{path.name}: {way}"


@given(st.text(max_size=50))
def test_data_comes_back_as_it_was_and_means_nothing_to_html(text: str) -> None:
    data = embedded({"text": text.encode("utf-8", "replace").decode()})
    assert not set(data) & set("<>&\u2028\u2029")
    assert json.loads(data) == {"text": text.encode("utf-8", "replace").decode()}


def test_the_same_document_gives_the_same_page(tmp_path: Path) -> None:
    assert hostile(tmp_path) == hostile(tmp_path)
