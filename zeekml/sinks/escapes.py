r"""Escapes of Zeek's log writers, as a Zeek 7.0 was seen to write them.

A value is text; bytes that are no UTF-8 are carried in it as lone surrogates (Python's ``surrogateescape``).

======================================  ===================  ==========================
value                                   TSV                  JSON
======================================  ===================  ==========================
tab, line feed, carriage return         ``\x09`` ...         ``\t`` ``\n`` ``\r``
one backslash                           ``\\``               ``\\``
valid UTF-8                             as it is             as it is
a byte that is no UTF-8                 ``\xff``; all bytes  the text ``\xff``; all
                                        beyond ASCII then    bytes beyond ASCII then
NUL, ESC, DEL and other controls, C1    ``\x1b``             the text ``\x1b``
a comma within a set                    ``\x2c``             as it is
the whole value ``-``                   ``\x2d``             as it is
the whole value ``(empty)``             ``\x28empty)``       as it is
the empty text                          ``(empty)``          ``""``
``#`` at the start of a line            ``\x23``             as it is
======================================  ===================  ==========================

TSV loses nothing. In JSON a control character and the text ``\x1b`` look alike; that is Zeek's own form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import orjson

Format = Literal["tsv", "json"]

UNSET = "-"
EMPTY = "(empty)"

TSV_SPECIAL = r"[\x00-\x1f\x7f\\]|[\x{80}-\x{9f}]|^-$|^\(empty\)$|^$"
"""RE2: values that TSV writes otherwise than as they are. (Lone surrogates never get as far as RE2.)"""

JSON_SPECIAL = r'[\x00-\x1f\x7f\\"]|[\x{80}-\x{9f}]'
"""RE2: values that JSON writes otherwise than between quotes as they are."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
# What JSON has escapes of its own for; Zeek leaves these to its JSON writer.
_JSON_CONTROL = re.compile(r"[\x00-\x07\x0b\x0e-\x1f\x7f-\x9f]")


def escape_tsv(value: str, *, in_set: bool = False, starts_line: bool = False, escaped: bool = False) -> str:
    """``value`` as a TSV field; as an element of a set, or as the first field of a line, if said so.

    ``escaped``: its backslashes are escapes already, and stay.
    """
    if value == UNSET:
        return r"\x2d"
    if value == "":
        return EMPTY
    if value == EMPTY:
        return r"\x28empty)"
    text = hex_bytes(value if escaped else value.replace("\\", "\\\\"), _CONTROL)
    if in_set:
        text = text.replace(",", r"\x2c")
    if starts_line and text.startswith("#"):
        text = r"\x23" + text[1:]
    return text


def quote_json(value: str) -> str:
    """``value`` as a JSON string, quotes included."""
    return orjson.dumps(hex_bytes(value, _JSON_CONTROL)).decode()


def write_list(elements: Sequence[str], fmt: Format) -> str:
    """The texts of a set or vector as one field."""
    if fmt == "json":
        return "[" + ",".join(map(quote_json, elements)) + "]"
    return ",".join(escape_tsv(element, in_set=True) for element in elements) or EMPTY


def hex_bytes(value: str, control: re.Pattern[str]) -> str:
    r"""Write the characters that ``control`` finds, and everything beyond ASCII where a byte is no UTF-8, as
    ``\xHH`` per byte."""
    if _SURROGATE.search(value):
        value = _BEYOND_ASCII.sub(lambda found: b"\\x%02x" % found[0][0], _raw(value)).decode("ascii")
    return control.sub(lambda found: "".join(f"\\x{byte:02x}" for byte in found[0].encode()), value)


def _raw(value: str) -> bytes:
    """The bytes that a text with lone surrogates stands for."""
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no byte, as JSON's "\ud800" gives
        return value.encode("utf-8", "surrogatepass")
