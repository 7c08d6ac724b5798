"""What analysts said of single connections: a table that is only appended to, and that label corrections are read from.

A line is a rule of `zeekml.training.corrections` for the connection with a ``uid``, in whatever log it is found
(``file`` is empty). Of several lines about a connection the last one holds. ``at``, ``model``, ``score`` and ``class``
say when it was given and what the model had said.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from zeekml.errors import InputError, OutputError
from zeekml.sinks.folder import failures

BENIGN: Final = "Benign"
UNKNOWN: Final = "Unknown"

#: The columns of the table, in order: those of label corrections with ``uid``, then what was known at the time.
COLUMNS: Final = (
    "file", "uid", "id.orig_h", "id.resp_h", "id.resp_p", "proto", "conn_state", "given", "corrected", "connections",
    "reason", "at", "model", "score", "class",
)  # fmt: skip

_CONNECTION: Final = ("uid", "id.orig_h", "id.resp_h", "id.resp_p", "proto", "conn_state")
_MODE: Final = 0o600  # it tells of people's traffic
_OPEN: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Verdict:
    """An analyst's word on one connection.

    ``connection`` maps Zeek's names to its values, those that are set. ``corrected`` is a class of the model, or
    ``Unknown`` to take a verdict back. ``at`` is a time as ISO 8601; ``model``, ``score`` (0 to 1) and ``class_name``
    tell what it had been scored as.
    """

    connection: Mapping[str, object]
    corrected: str
    reason: str
    at: str
    model: str
    score: float
    class_name: str

    @property
    def row(self) -> dict[str, str]:
        """The line of the table, by column."""
        known = {name: str(self.connection.get(name, "")) for name in _CONNECTION}
        said = {"corrected": self.corrected, "reason": self.reason, "at": self.at, "model": self.model}
        return (
            dict.fromkeys(COLUMNS, "")
            | known
            | said
            | {"score": f"{self.score:.6f}", "class": self.class_name}
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a verdict: ``written`` or there already, and the ``former`` word on that connection, if any."""

    written: bool
    former: str | None


def add_verdict(path: Path, verdict: Verdict) -> Outcome:
    """Append a verdict to the table at ``path``, which is made when it is not there (mode 0600).

    Others may append at the same time. Nothing is written when the last word on the connection is the same, with the
    same reason. Raises InputError when the file is another table or is damaged, OutputError when it cannot be written.
    """
    with failures(path), _locked(path) as file:
        held = _content(file)
        former = _former(_rows(path, held), verdict.row)
        if former is not None and all(former[name] == verdict.row[name] for name in ("corrected", "reason")):
            return Outcome(False, former["corrected"])
        line = (
            _as_csv(verdict.row) if held else _as_csv(dict(zip(COLUMNS, COLUMNS, strict=True)), verdict.row)
        )
        _append(file, line, len(held))
    return Outcome(True, None if former is None else former["corrected"])


def read_verdicts(path: Path) -> list[dict[str, str]]:
    """The last word on each connection of a table, by column (`COLUMNS`), in the order of the first ones.

    Raises InputError when it cannot be read, is another table, or is damaged.
    """
    try:
        rows = _rows(path, path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    return list({tuple(row[name] for name in _CONNECTION): row for row in rows}.values())


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file open and locked, no link followed."""
    file = os.open(path, _OPEN, _MODE)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OutputError(f"{path} is no regular file: name another place for the verdicts")
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def _content(file: int) -> bytes:
    with os.fdopen(os.dup(file), "rb") as whole:
        whole.seek(0)
        return whole.read()


def _rows(path: Path, content: bytes) -> list[dict[str, str]]:
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        names, rows = tuple(reader.fieldnames or ()), list(reader)
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV ({error}); mend it, or name another file") from error
    if content and names != COLUMNS:
        raise InputError(
            f"{path}: found the columns {', '.join(names)[:200]!r}, expected {', '.join(COLUMNS)}; it is no table of "
            "verdicts, name another file"
        )
    whole = content.endswith(b"\n") and not any(None in row or None in row.values() for row in rows)
    if content and not whole:
        raise InputError(
            f"{path}: a line has not its {len(COLUMNS)} columns, or the last has no end; mend it"
        )
    return rows


def _former(rows: list[dict[str, str]], row: Mapping[str, str]) -> dict[str, str] | None:
    """The last line about the same connection."""
    same = (each for each in reversed(rows) if all(each[name] == row[name] for name in _CONNECTION))
    return next(same, None)


def _as_csv(*rows: Mapping[str, str]) -> bytes:
    return b"".join(_line(row) for row in rows)


def _line(row: Mapping[str, str]) -> bytes:
    text = io.StringIO(newline="")
    # With this end both of its characters are quoted within a value, also by Pythons that quote no other one.
    csv.DictWriter(text, COLUMNS, lineterminator="\r\n").writerow(row)
    return text.getvalue().removesuffix("\r\n").encode("utf-8", "backslashreplace") + b"\n"


def _append(file: int, line: bytes, length: int) -> None:
    """All of ``line``, synced, or nothing: half a line would hide those after it."""
    try:
        written = 0
        while written < len(line):
            written += os.write(file, line[written:])
        os.fsync(file)
    except OSError:
        os.ftruncate(file, length)
        raise
