"""The report: one page that asks nothing of the network and in which nothing from a log is markup."""

from __future__ import annotations

import io
import json
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.evaluation.made import document
from zeekml.evaluation.html import report
from zeekml.evaluation.table import show

HOSTILE = (
    "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;]]>--><style>\x1b[31m\u202e$\\frac{1}"
)
VOID = {"meta", "br", "img"}


class Page(HTMLParser):
    """The elements of a page, checked to close in the order in which they open."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile(value: Any) -> Any:
    """The same document with markup in every text, and in every name that a log, a recipe or a bundle gives."""
    if isinstance(value, dict):
        return {key: hostile(each) for key, each in value.items()}
    if isinstance(value, list):
        return [hostile(each) for each in value]
    return value + HOSTILE if isinstance(value, str) else value


def attacked() -> Any:
    found = hostile(document(pair=True, trained=("bots",)))
    found["layout"] = "logs"
    for log in found["logs"]:
        log["files"] = {HOSTILE: HOSTILE}
    for model in found["models"]:
        classes = model["connections"]["classes"]
        model["connections"]["classes"] = {name + HOSTILE: each for name, each in classes.items()}
    return found


@pytest.mark.parametrize("pair", [False, True])
def test_the_page_is_whole_and_holds_what_was_found(pair: bool) -> None:
    found = document(pair=pair, trained=("bots",))
    page = Page(report(found))
    assert sum(tag == "svg" for tag, _ in page.elements) == 3
    for text in (
        "Not held out.",
        "bots (same name)",
        "192.168.1.66",
        "3 connections",
        "3.0 min",
        "why, in words",
        "PortScan",
    ):
        assert text in page.text
    assert ("Which is better" in page.text) == pair


def test_the_page_asks_nothing_of_the_network() -> None:
    page = Page(report(document(pair=True)))
    policies = [
        held["content"] for tag, held in page.elements if held.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]
    for tag, held in page.elements:
        assert tag not in {"script", "link", "iframe", "object", "image", "img", "foreignobject", "a"}
        for name, value in held.items():
            assert not name.startswith("on")
            if name in {"href", "xlink:href"}:
                assert str(value).startswith("#")
            elif not name.startswith("xmlns"):
                assert "//" not in str(value)


def test_every_id_is_there_once() -> None:
    held = [
        attributes["id"] for _, attributes in Page(report(document(pair=True))).elements if "id" in attributes
    ]
    assert len(held) == len(set(held))
    assert held


def test_markup_in_any_field_is_text() -> None:
    found = attacked()
    clean, page = Page(report(document(pair=True, trained=("bots",)))), Page(report(found))
    # The same elements as without: nothing of it opened one, and no attribute came or changed.
    extra = [element for element in page.elements if element not in clean.elements]
    assert extra == []
    assert {tag for tag, _ in page.elements} == {tag for tag, _ in clean.elements}
    assert page.text.count("<script>alert(1)</script>") > 20
    text = report(found)
    assert "<script" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_hostile_names_do_no_harm_on_a_terminal() -> None:
    text = io.StringIO()
    show(attacked(), text)
    assert "\x1b" not in text.getvalue()
    assert "\u202e" not in text.getvalue()


def test_logs_without_labels_make_a_page_without_curves() -> None:
    found = document()
    for name in ("roc", "pr", "roc_auc", "macro", "weighted", "accuracy"):
        found["models"][0]["connections"][name] = None
    assert "No curves" in Page(report(found)).text


def test_the_same_document_gives_the_same_page() -> None:
    assert report(document()) == report(json.loads(json.dumps(document())))
