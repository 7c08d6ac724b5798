"""Where a follower stands in a chain of files, in a form that is written down and found again after a restart."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

_TICK = 0.02  # seconds: the clock of file times runs behind by up to a tick


@dataclass(frozen=True, slots=True)
class Position:
    """The end of the last line taken from a log, always at a line's end.

    The file is known by ``device`` and ``inode``, and, since inode numbers are reused at once and compressing makes a
    new file, by hashes of its content: ``fingerprint`` of its first bytes, ``mark`` of those before ``offset``.
    ``offset`` 0 stands for nothing taken yet.
    """

    device: int = 0
    inode: int = 0
    path: str = ""  # where the file was when it was opened, links resolved
    begin: int = 0  # bytes of NUL and byte order mark before the first line
    offset: int = 0  # bytes of uncompressed content taken, `begin` included
    line: int = 0  # lines taken
    fingerprint: bytes = b""
    mark: bytes = b""
    header: bytes = b""  # Zeek's header lines in force
    format: str = ""  # one of zeekml.records.sniff.Format
    modified: float = 0.0  # epoch seconds: when the file was last written, or when the waiting for it began
    previous: datetime | None = None  # the latest rotation date among the files before this one
    predecessor: bytes | None = b""  # what the file before is known by; None: there was none; b"": not known

    @classmethod
    def nothing_before(cls, moment: float) -> Position:
        """Nothing taken yet, and nothing to be taken that was last written before ``moment`` (epoch seconds)."""
        return cls(modified=moment - _TICK)

    def to_json(self) -> dict[str, object]:
        """The fields as JSON has them: bytes in base64, the date in ISO 8601."""
        return {
            "device": self.device,
            "inode": self.inode,
            "path": self.path,
            "begin": self.begin,
            "offset": self.offset,
            "line": self.line,
            "fingerprint": _text(self.fingerprint),
            "mark": _text(self.mark),
            "header": _text(self.header),
            "format": self.format,
            "modified": self.modified,
            "previous": self.previous.isoformat() if self.previous else None,
            "predecessor": None if self.predecessor is None else _text(self.predecessor),
        }

    @classmethod
    def from_json(cls, found: Mapping[str, object]) -> Position:
        """Return what ``to_json`` wrote. Raises ValueError naming the field that is missing or wrong."""
        previous = found.get("previous")
        return cls(
            device=_whole(found, "device"),
            inode=_whole(found, "inode"),
            path=_string(found, "path"),
            begin=_whole(found, "begin"),
            offset=_whole(found, "offset"),
            line=_whole(found, "line"),
            fingerprint=_bytes(found, "fingerprint"),
            mark=_bytes(found, "mark"),
            header=_bytes(found, "header"),
            format=_string(found, "format"),
            modified=_number(found, "modified"),
            previous=None if previous is None else datetime.fromisoformat(_string(found, "previous")),
            predecessor=None if found.get("predecessor") is None else _bytes(found, "predecessor"),
        )

    def after(self, moment: datetime | None, predecessor: bytes | None) -> Position:
        """The same with ``moment`` as the latest rotation date before it, where that is later, and ``predecessor``."""
        if moment is None or (self.previous is not None and moment <= self.previous):
            moment = self.previous
        return replace(self, previous=moment, predecessor=predecessor)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _whole(found: Mapping[str, object], name: str) -> int:
    value = found.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"position: {name} is {value!r}, expected a whole number of zero or more")
    return value


def _number(found: Mapping[str, object], name: str) -> float:
    value = found.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"position: {name} is {value!r}, expected a number")
    return float(value)


def _string(found: Mapping[str, object], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise ValueError(f"position: {name} is {value!r}, expected text")
    return value


def _bytes(found: Mapping[str, object], name: str) -> bytes:
    try:
        return base64.b64decode(_string(found, name), validate=True)
    except ValueError as error:
        raise ValueError(f"position: {name} is not base64") from error
