"""From a scenario to a log: the one call that the command line, tests and benchmarks use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from zeekml.errors import ConfigError
from zeekml.simulate import eve, text, zeek_json, zeek_tsv
from zeekml.simulate.files import whole_file
from zeekml.simulate.scenario import Scenario, simulate
from zeekml.simulate.table import MICROSECONDS, Connections
from zeekml.simulate.zeek_tsv import TsvStyle

FORMATS: tuple[str, ...] = ("tsv", "json", "eve")
MOST_ROWS = 100_000  # formatted at once

Piece = tuple[bytes | memoryview, int]
"""Bytes of a log and how many connections they hold."""


def write_traffic(
    path: str | Path | BinaryIO,
    scenario: Scenario,
    *,
    format: str = "tsv",  # noqa: A002  (named as the option is)
    labels: bool = False,
    json_ts: str = "epoch",
    style: TsvStyle | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Writes the scenario's connections as one log and returns how many there are.

    ``path``: a file (compressed when its name ends in .gz or .zst) or an open binary stream.
    ``format``: ``tsv`` and ``json`` are Zeek's conn.log, ``eve`` Suricata's eve.json of the same connections.
    ``labels`` adds the truth as ``label`` and ``detailed-label`` (not in eve). ``json_ts``: ``epoch``,
    ``millis`` or ``iso8601``. ``style``: the marks of a TSV log. ``progress`` is called with the connections
    written so far. ConfigError for a value out of these, OutputError when the file cannot be written.
    """
    log = LogFormat(format, labels, json_ts, style or zeek_tsv.ZEEK)
    target = whole_file(Path(path)) if isinstance(path, str | Path) else nullcontext(path)
    written = 0
    with target as out:
        for piece, rows in log.pieces(simulate(scenario), scenario.start):
            out.write(piece)
            written += rows
            if rows and progress is not None:
                progress(written)
    return written


@dataclass(frozen=True, slots=True)
class LogFormat:
    """One way to write a log down; ConfigError when its parts do not go together."""

    name: str = "tsv"
    labels: bool = False
    json_ts: str = "epoch"
    style: TsvStyle = zeek_tsv.ZEEK

    def __post_init__(self) -> None:
        if self.name not in FORMATS:
            raise ConfigError(f"format {self.name!r}: expected one of {', '.join(FORMATS)}")
        if self.json_ts not in zeek_json.TIMESTAMPS:
            known = ", ".join(zeek_json.TIMESTAMPS)
            raise ConfigError(f"JSON time stamps {self.json_ts!r}: expected one of {known}")
        if self.labels and self.name == "eve":
            raise ConfigError("labels with format eve: Suricata has no place for them; use tsv or json")

    def pieces(self, tables: Iterable[Connections], opened: float) -> Iterator[Piece]:
        """The log in pieces of bounded size; ``opened`` in epoch seconds."""
        if self.name == "tsv":
            yield zeek_tsv.header(self.style, opened, labels=self.labels), 0
        closed = opened
        for table in tables:
            for first in range(0, len(table), MOST_ROWS):
                part = table.take(slice(first, first + MOST_ROWS))
                yield text.as_bytes(self._lines(part)), len(part)
                closed = int(part.ends[-1]) / MICROSECONDS
        if self.name == "tsv":
            yield zeek_tsv.footer(self.style, closed), 0

    def _lines(self, table: Connections) -> text.Text:
        if self.name == "tsv":
            return zeek_tsv.lines(table, self.style, labels=self.labels)
        if self.name == "json":
            return zeek_json.lines(table, self.json_ts, labels=self.labels)
        return eve.lines(table)
