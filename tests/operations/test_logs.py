"""Records as text and as JSON; nothing that is logged breaks one."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeekml.config import LoggingSettings
from zeekml.operations.logs import escaped, set_up_logging

_log = logging.getLogger("zeekml.tests.logs")


def logged(form: Any, say: Callable[[], None], level: Any = "info") -> str:
    stream = io.StringIO()
    set_up_logging(LoggingSettings(format=form, level=level), stream)
    say()
    return stream.getvalue()


def test_text() -> None:
    line = logged(
        "text",
        lambda: _log.info("log %s", "rotated", extra={"fields": {"stream": "conn", "path": "/a b", "n": 3}}),
    )
    assert re.fullmatch(
        r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO log rotated stream=conn path="/a b" n=3\n', line
    )


def test_json() -> None:
    line = logged(
        "json", lambda: _log.warning("log rotated", extra={"fields": {"n": 3, "ts": "mine", "where": None}})
    )
    record = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("ts"))
    assert record == {
        "level": "warning",
        "logger": "zeekml.tests.logs",
        "message": "log rotated",
        "n": 3,
        "where": None,
    }


def test_the_level_holds_and_a_second_set_up_replaces_the_first() -> None:
    first = io.StringIO()
    set_up_logging(LoggingSettings(), first)

    def say() -> None:
        _log.info("quiet")
        _log.error("loud")

    second = logged("text", say, "error")
    assert "loud" in second
    assert "quiet" not in second
    assert first.getvalue() == ""


def test_a_traceback_cannot_look_like_a_record() -> None:
    def fail() -> None:
        try:
            raise ValueError("x\n2026-11-23T00:00:00.000Z INFO all is well\x1b[2J")
        except ValueError:
            _log.exception("failed")

    first, *others = logged("text", fail).splitlines()
    assert first.endswith("ERROR failed")
    assert all(line.startswith("    ") and line.isprintable() for line in others)
    assert r"\x1b[2J" in others[-1]
    assert "all is well" in json.loads(logged("json", fail))["exception"]


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=10))
def test_a_record_is_one_printable_line(message: str, value: str, key: str) -> None:
    def say() -> None:
        _log.info("%s", message, extra={"fields": {key: value}})

    text, as_json = logged("text", say), logged("json", say)
    for line in (text, as_json):
        assert line.endswith("\n")
        assert line[:-1].isprintable()
    record = json.loads(as_json)
    assert record["message"] == message
    if key not in ("ts", "level", "logger", "message"):
        assert record[key] == value


def test_a_value_cannot_look_like_another_field() -> None:
    line = logged("text", lambda: _log.info("m", extra={"fields": {"path": 'x" level=error y="'}}))
    assert line.endswith(r'INFO m path="x\" level=error y=\""' + "\n")


@pytest.mark.parametrize(
    ("text", "expected"), [("a\nb", r"a\nb"), ("\x1b[0m", r"\x1b[0m"), ("\u202e", r"\u202e"), ("é", "é")]
)
def test_what_is_not_printable_is_an_escape(text: str, expected: str) -> None:
    assert escaped(text) == expected
