r"""What zeekml says of itself on standard error, as text or as JSON.

A message may quote a log, a file name or an error, so whatever is no printable character is written as an
escape: one record is one line, and no record can be made to look like another.

A module logs with ``logging.getLogger(__name__)`` and gives values apart from the message::

    log.info("log rotated", extra={"fields": {"stream": "conn", "path": path}})

text: ``2026-11-23T20:01:02.123Z INFO log rotated stream=conn path=/opt/zeek/logs/conn.log``
JSON: ``{"ts":"2026-11-23T20:01:02.123Z","level":"info","message":"log rotated","stream":"conn", ...}``
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from collections.abc import Mapping
from typing import Any, Final, TextIO

from zeekml.config import LoggingSettings

_BARE: Final = frozenset("_-./:@+%,[]")
"""What a value in text may hold, beside letters and digits, without quotes."""


def set_up_logging(settings: LoggingSettings, stream: TextIO | None = None) -> None:
    """Sends the records of zeekml at or above the level, and the warnings of others, to standard error.

    ``stream``: another place. Called again, it replaces what it set up before.
    """
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_Json() if settings.format == "json" else _Text())
    root = logging.getLogger()
    for former in [each for each in root.handlers if isinstance(each, _Handler)]:
        root.removeHandler(former)
    root.addHandler(handler)
    logging.getLogger("zeekml").setLevel(settings.level.upper())


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, to be told from those of others."""


class _Text(logging.Formatter):
    """One line of text; a traceback follows in lines that are indented."""

    def format(self, record: logging.LogRecord) -> str:
        words = [_moment(record), record.levelname, escaped(record.getMessage())]
        words += [f"{escaped(key)}={_value(value)}" for key, value in _fields(record).items()]
        lines = [" ".join(words)]
        if record.exc_info:
            lines += [f"    {escaped(line)}" for line in self.formatException(record.exc_info).splitlines()]
        return "\n".join(lines)


class _Json(logging.Formatter):
    """One JSON object, ASCII alone. Fields do not go over ts, level, logger and message."""

    def format(self, record: logging.LogRecord) -> str:
        known: dict[str, object] = {
            "ts": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            known["exception"] = self.formatException(record.exc_info)
        rest = {key: value for key, value in _fields(record).items() if key not in known}
        # Escaped beyond ASCII: C1 controls and directions of writing mean nothing to whoever prints it.
        return json.dumps(known | rest, default=str, separators=(",", ":")).replace("\x7f", "\\u007f")


def escaped(text: str) -> str:
    r"""``text`` with every character that is not printable as ``\n``, ``\x1b``, ``\u202e`` and so on."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return repr(char)[1:-1]


def _value(value: object) -> str:
    """A field's value in text: between quotes where it could be taken for more than one word."""
    text = str(value)
    if text and all(char.isalnum() or char in _BARE for char in text):
        return text
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped(quoted)}"'


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    fields = getattr(record, "fields", None)
    return fields if isinstance(fields, Mapping) else {}


def _moment(record: logging.LogRecord) -> str:
    moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
