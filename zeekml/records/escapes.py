r"""Zeek's escapes in ASCII logs, read back, and a printable form for lines that are shown to people.

Source: Zeek's ``LogAscii`` writer. ``\xHH`` stands for one byte, ``\\`` for a backslash, nothing else for
anything but itself.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|\\)")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\\]")


def unescape(field: bytes) -> str:
    r"""Return the text of a TSV field; bytes that are no UTF-8 stay as the text ``\xHH``, as in JSON."""
    return unescape_bytes(field).decode("utf-8", "backslashreplace")


def unescape_bytes(field: bytes) -> bytes:
    """Return the bytes that a TSV field stands for."""
    return _ESCAPE.sub(_byte, field) if b"\\" in field else field


def printable(raw: bytes) -> str:
    r"""Return ``raw`` on one line: controls and what is no UTF-8 as ``\xHH``, a backslash as ``\\``."""
    text = raw.decode("utf-8", "surrogateescape")
    text = _UNPRINTABLE.sub(_escaped, text)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _byte(match: re.Match[bytes]) -> bytes:
    digits = match.group(1)
    return bytes.fromhex(digits.decode()) if digits else b"\\"


def _escaped(match: re.Match[str]) -> str:
    char = match.group()
    return "\\\\" if char == "\\" else "".join(f"\\x{byte:02x}" for byte in char.encode())
