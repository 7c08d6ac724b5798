r"""Texts of a log made fit for the formats of other tools: one line, printable, of bounded length.

Controls, line separators and bytes that are no UTF-8 are written ``\xHH`` per byte, as Zeek's JSON writer
does; what a format has escapes of its own for is that format's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from zeekml.sinks.escapes import hex_bytes

MOST_CHARACTERS = 256
"""No field of a log needs more; the text of one that has more ends in an ellipsis."""

# Beyond controls: line and paragraph separators, and what changes the direction of the text after it.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


_LONGEST_LIST = 200
"""Bytes: five IPv6 addresses."""
_LAST_SECOND = 253_402_300_799.0


def printable(text: str, most: int = MOST_CHARACTERS) -> str:
    """``text`` on one line, without anything that a terminal or a log reader acts upon."""
    safe = hex_bytes(text if len(text) <= most else text[: most + 1], _UNSAFE)
    return safe if len(safe) <= most else safe[: most - 1] + "…"


def listed(values: Iterable[str], most: int = _LONGEST_LIST) -> str:
    """The texts of a list as one, with commas between them: as many as fit into ``most`` bytes, none of them cut.

    A comma within one is written ``\\x2c``.
    """
    joined = ""
    for value in values:
        text = printable(value).replace(",", r"\x2c")
        longer = f"{joined},{text}" if joined else text
        if len(longer.encode()) > most:
            break
        joined = longer
    return joined


def utc(seconds: float) -> datetime:
    """The moment of an epoch time; what lies outside the years 1970 to 9999 is moved to their ends."""
    return datetime.fromtimestamp(min(max(seconds, 0.0), _LAST_SECOND), UTC)
