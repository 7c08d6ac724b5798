"""rejects.log: the lines that could not be read, in Zeek's TSV or JSON."""

from __future__ import annotations

from collections.abc import Callable

from zeekml.sinks.escapes import Format, escape_tsv
from zeekml.sinks.zeek_log import record

FIELDS: tuple[tuple[str, str], ...] = (
    ("source", "string"),
    ("line", "count"),
    ("reason", "string"),
    ("text", "string"),
)
"""Names and Zeek types of the columns, in order."""

_ENOUGH = 65_536  # characters gathered before they are written


class RejectsLog:
    """Writes the lines of rejects.log by ``write``, which is not called before there are any."""

    def __init__(self, write: Callable[[bytes], None], fmt: Format) -> None:
        self._write = write
        self._format = fmt
        self._waiting: list[str] = []
        self._size = 0
        self.lines = 0

    def write(self, source: str, line: int, reason: str, text: str) -> None:
        r"""Add a line that was rejected; ``text`` is what it held, escaped already (controls as ``\xHH``)."""
        if self._format == "json":
            written = record(FIELDS, [source, line, reason, text], self._format)
        else:
            place = record(FIELDS[:-1], [source, line, reason], self._format)
            written = f"{place[:-1]}\t{escape_tsv(text, escaped=True)}\n"
        self._waiting.append(written)
        self._size += len(written)
        self.lines += 1
        if self._size >= _ENOUGH:
            self.flush()

    def flush(self) -> None:
        """Hand on what was gathered."""
        if self._waiting:
            self._write("".join(self._waiting).encode())
        self._waiting, self._size = [], 0
