r"""The alerts of the last while as one small table file, which Zeek's Input framework reads again and again.

Keyed by alert id; rows stand there for a time and are at most so many. The file is written beside its place
and renamed into it, which a Zeek in mode REREAD was seen to read whole every time. ``written`` is the wall
clock at which a row was first put there: a Zeek that has just started passes over what is older.

Zeek's ASCII reader decodes ``\xHH`` in texts and knows no other escape, splits at tabs, and takes ``-`` for
unset. A file counts as changed when its inode or its time in whole seconds differs, and inodes are used again
at once: so the time of the file goes up by a second at least with every change.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from zeekml.errors import SinkError
from zeekml.sinks.alert import AlertRecord, as_address
from zeekml.sinks.escapes import hex_bytes

FIELDS: Final[tuple[tuple[str, str], ...]] = (
    ("id", "string"),
    ("note", "string"),
    ("kind", "string"),
    ("score", "double"),
    ("evidence", "double"),
    ("n", "count"),
    ("suppress_for", "interval"),
    ("ts", "time"),
    ("uid", "string"),
    ("orig_h", "addr"),
    ("orig_p", "count"),
    ("resp_h", "addr"),
    ("resp_p", "count"),
    ("proto", "string"),
    ("service", "string"),
    ("evidence_peers", "vector[addr]"),
    ("evidence_ports", "vector[string]"),
    ("msg", "string"),
    ("sub", "string"),
    ("written", "time"),
)
"""Names and Zeek types of the columns, in order; ``kind`` is the class."""

SEEN_WITHIN: Final = 30.0
"""Seconds; a row that is younger does not give way to others: a Zeek may not have seen it yet."""

_MODE: Final = 0o640  # Zeek's user reads it as a member of the group
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MOST_CHARACTERS: Final = 1024  # of a text; more would only make the file large
_ROW: Final = re.compile(rb"([0-9a-f]{32})\t.*\t(\d+\.\d{6})", re.ASCII)
_HEADER: Final = (
    "#fields\t" + "\t".join(name for name, _ in FIELDS) + "\n"
    "#types\t" + "\t".join(kind for _, kind in FIELDS) + "\n"
).encode()  # fmt: skip


class AlertsTableSink:
    """Keeps the table at ``path``."""

    name = "alerts_table"

    def __init__(
        self,
        path: Path,
        *,
        keep: float = 3600.0,
        max_rows: int = 5000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``keep``: seconds that a row stays; ``max_rows``: at most so many; ``clock``: epoch s."""
        self.path = path
        self.most = min(max_rows, 1000)
        self._keep = keep
        self._max_rows = max_rows
        self._clock = clock
        self._rows: dict[str, tuple[float, bytes]] | None = None  # (written, line) by id, oldest first

    def deliver(self, records: Sequence[AlertRecord]) -> None:
        """Put in the records that the table does not hold; SinkError when that fails or there is no room."""
        try:
            rows = self._table()
            new = {record.id: record for record in records if record.id not in rows}
            if new:
                now = self._clock()
                kept = self._pruned(rows, len(new), now)
                kept |= {key: (now, _line(record, now)) for key, record in new.items()}
                self._replace(b"".join(line for _, line in kept.values()))
                self._rows = kept
        except OSError as error:
            raise SinkError(f"{self.path}: the table cannot be written: {error.strerror or error}") from error

    def close(self) -> None:
        """Forget what the file holds; it is read again when it is needed."""
        self._rows = None

    def _table(self) -> dict[str, tuple[float, bytes]]:
        """The rows of the file, read when this is the first use: an id keeps its ``written`` for good."""
        if self._rows is None:
            self._rows = {}
            for part in self.path.parent.glob(f".{self.path.name}.*.part"):
                part.unlink(missing_ok=True)  # left behind by a crash
            with contextlib.suppress(FileNotFoundError):
                for line in _lines(self.path.read_bytes()):
                    if row := _ROW.fullmatch(line.removesuffix(b"\n")):
                        self._rows[row[1].decode()] = (float(row[2]), line)
        return self._rows

    def _pruned(
        self, rows: dict[str, tuple[float, bytes]], wanted: int, now: float
    ) -> dict[str, tuple[float, bytes]]:
        """The rows without those that are too old, and with room for ``wanted`` more."""
        kept = {key: row for key, row in rows.items() if abs(now - row[0]) <= self._keep}
        for key in list(kept)[: max(0, len(kept) + wanted - self._max_rows)]:
            if 0.0 <= now - kept[key][0] < SEEN_WITHIN:
                raise SinkError(
                    f"{self.path}: all {self._max_rows} rows are younger than {SEEN_WITHIN:g} s; alerts wait "
                    "for room, or raise sinks.alerts_table.max_rows"
                )
            del kept[key]
        return kept

    def _replace(self, rows: bytes) -> None:
        """Write the file beside its place and rename it into it, with a time later than the last one's."""
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        part = f".{self.path.name}.{secrets.token_hex(8)}.part"
        try:
            with os.fdopen(os.open(part, _CREATE, _MODE, dir_fd=folder), "wb") as file:
                file.write(_HEADER + rows)
                file.flush()
                changed = max(int(time.time()), self._changed() + 1)
                os.utime(file.fileno(), (changed, changed))
                os.fsync(file.fileno())
            os.rename(part, self.path.name, src_dir_fd=folder, dst_dir_fd=folder)
            with contextlib.suppress(OSError):  # some file systems cannot sync a folder
                os.fsync(folder)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(part, dir_fd=folder)
            raise
        finally:
            os.close(folder)

    def _changed(self) -> int:
        """The time of the file that is there now, in whole seconds."""
        try:
            return int(self.path.stat(follow_symlinks=False).st_mtime)
        except FileNotFoundError:
            return 0


def _lines(content: bytes) -> list[bytes]:
    """The lines of a table, in our columns: another zeekml may have written others."""
    lines = content.splitlines(keepends=True)
    if content.startswith(_HEADER) or not content.startswith(b"#fields\t"):
        return lines
    names = lines[0].decode("utf-8", "replace").rstrip("\n").split("\t")[1:]
    found = []
    for cells in (line.removesuffix(b"\n").split(b"\t") for line in lines[1:]):
        if len(cells) == len(names):
            given = dict(zip(names, cells, strict=True))
            found.append(b"\t".join(given.get(name, b"-") for name, _ in FIELDS) + b"\n")
    return found


def _line(record: AlertRecord, written: float) -> bytes:
    """One row; a text that is no address is unset where Zeek wants one, and stands in ``msg``."""
    cells = (
        record.id, _text(record.note), _text(record.class_name), f"{record.score:.6f}",
        "-" if record.evidence is None else f"{record.evidence:.6f}", str(record.n),
        f"{record.suppress_for:.6f}", f"{record.ts:.6f}", _text(record.uid), _address(record.orig_h),
        str(record.orig_p), _address(record.resp_h), str(record.resp_p), _text(record.proto),
        _text(record.service or ""), _addresses(record.peers), _texts(record.ports),
        _text(record.message()), _text(record.facts()), f"{written:.6f}",
    )  # fmt: skip
    return ("\t".join(cells) + "\n").encode()


def _text(value: str) -> str:
    r"""A text as Zeek's reader decodes it; an empty one is unset."""
    if value in ("", "-"):
        return r"\x2d" if value else "-"
    return hex_bytes(value[:_MOST_CHARACTERS].replace("\\", r"\x5c"), _CONTROL)


def _texts(values: Sequence[str]) -> str:
    """A vector of texts; without any it is unset."""
    return ",".join(_text(value).replace(",", r"\x2c") for value in values) or "-"


def _addresses(texts: Sequence[str]) -> str:
    """Those of the texts that are addresses."""
    return ",".join(str(address) for text in texts if (address := as_address(text)) is not None) or "-"


def _address(text: str) -> str:
    address = as_address(text)
    return "-" if address is None else str(address)
