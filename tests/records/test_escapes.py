r"""Zeek's escapes: what is written with them is read back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.records.logs import header, line, read_text
from zeekml.records.escapes import printable, unescape

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def written(text: str) -> str:
    """``text`` as Zeek's ASCII writer puts it into a field (table in docs/input.md)."""
    if text == "":
        return "(empty)"
    if text == "-":
        return r"\x2d"
    if text == "(empty)":
        return r"\x28empty)"
    text = text.replace("\\", "\\\\")
    return _CONTROL.sub(lambda match: "".join(f"\\x{byte:02x}" for byte in match.group().encode()), text)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (rb"a\x09b\x0ac", "a\tb\nc"),
        (rb"\\x09", r"\x09"),
        (rb"\x2d", "-"),
        (rb"\x28empty)", "(empty)"),
        (rb"\xc3\xa9", "é"),
        ("é".encode(), "é"),
        (rb"\xff", r"\xff"),
        (rb"\q\x4", r"\q\x4"),
        (rb"\x23a", "#a"),
    ],
)
def test_fields_are_read_back(field: bytes, text: str) -> None:
    assert unescape(field) == text


@given(texts=st.lists(st.text(max_size=12), min_size=1, max_size=4), many=st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_survives_the_way_through_a_log(tmp_path: Path, texts: list[str], many: bool) -> None:
    repeat = 200 if many else 1
    lines = "".join(line({"service": written(text), "uid": "C" + written("x" + text)[1:]}) for text in texts)
    frame = read_text(tmp_path, header() + lines * repeat).frame
    assert frame["service"].tolist() == texts * repeat
    assert frame["uid"].tolist() == ["C" + text for text in texts] * repeat


@given(st.binary())
def test_printable_is_one_line_of_printable_text(raw: bytes) -> None:
    text = printable(raw)
    assert "\n" not in text
    assert "\t" not in text
    text.encode()
    assert len(text.splitlines()) <= 1
