"""What a field of a connection may hold, in every format, and the uid that is made up where there is none."""

from __future__ import annotations

import base64
import hashlib
import math
import re

MAX_TIME = (
    7_258_118_400.0  # seconds: the year 2200; later times are damage, or milliseconds in a log of seconds
)
MAX_PORT = 65_535
FINGERPRINT = 256  # bytes: reach past `#open`, or into the first object, and stay the same while a log grows
DATA_LINE = re.compile(
    rb"^[^#\n][^\n]*\n", re.MULTILINE
)  # the first line that is no header, once it is whole


class BadLine(Exception):  # noqa: N818  (raised and caught inside the readers; users see a reject)
    """A line cannot be read; the argument is the reason, one of a small fixed set per field."""


def unset(field: str) -> str:
    """Reason: a required field holds nothing."""
    return f"{field} is unset"


def expected(field: str, what: str) -> str:
    """Reason: a field holds something else than it must."""
    return f"{field} is not {what}"


TIME = "a time from 1970 to 2200"
PORT = "a port from 0 to 65535"
NUMBER = "a number of zero or more"
BOOL = "a truth value"
TEXT = "text"


def check_time(field: str, value: float) -> float:
    """Return epoch seconds as they are; raises BadLine outside 1970 to 2200."""
    if not 0 <= value <= MAX_TIME:
        raise BadLine(expected(field, TIME))
    return value


def check_port(field: str, value: float) -> int:
    """Return a whole number from 0 to 65535; raises BadLine for anything else."""
    if not 0 <= value <= MAX_PORT or value != int(value):
        raise BadLine(expected(field, PORT))
    return int(value)


def check_number(field: str, value: float) -> float:
    """Return a finite number of zero or more; raises BadLine for anything else."""
    if not 0 <= value < math.inf:
        raise BadLine(expected(field, NUMBER))
    return value


def fingerprint(start: bytes) -> bytes:
    """Name a file by the first bytes of its content, so that compressing or moving it changes nothing.

    They end with the first line that is no header, so that they are the same as soon as it has one connection.
    """
    start = start[:FINGERPRINT]
    if first := DATA_LINE.search(start):
        start = start[: first.end()]
    return hashlib.blake2b(start, digest_size=16).digest()


class UidMaker:
    """Makes up uids: ``Z`` and 17 letters and digits from stream, file fingerprint and byte offset."""

    def __init__(self, stream: str, start: bytes) -> None:
        self._hash = hashlib.blake2b(stream.encode("utf-8", "surrogateescape") + b"\0", digest_size=13)
        self._hash.update(fingerprint(start))

    def __call__(self, offset: int) -> str:
        """The uid of the line that starts ``offset`` bytes into the (decompressed) content."""
        hashed = self._hash.copy()
        hashed.update(offset.to_bytes(8, "big"))
        return "Z" + base64.b64encode(hashed.digest(), altchars=b"Zz")[:17].decode()
