"""zeekml.log: one line per scored connection, in Zeek's TSV or JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from zeekml.alerts.notices import Explained, Notice
from zeekml.health import Marks
from zeekml.records.lines import newlines
from zeekml.repeated import Repeated
from zeekml.scoring.scores import Scores
from zeekml.sinks.cells import Cells, Column
from zeekml.sinks.escapes import Format
from zeekml.table import Frame, Table

FIELDS: tuple[tuple[str, str], ...] = (
    ("ts", "time"),
    ("uid", "string"),
    ("id.orig_h", "addr"),
    ("id.orig_p", "port"),
    ("id.resp_h", "addr"),
    ("id.resp_p", "port"),
    ("proto", "enum"),
    ("service", "string"),
    ("score", "double"),
    ("class", "string"),
    ("class_score", "double"),
    ("reasons", "string"),
    ("model", "string"),
    ("evidence_peers", "vector[addr]"),
    ("evidence_ports", "vector[string]"),
    ("sensor", "vector[string]"),
)
"""Names and Zeek types of the columns, in order."""

_ROWS_AT_ONCE = 65_536


class ZeekmlLog:
    """Writes the lines of zeekml.log by ``write`` (bytes to the file, in order)."""

    def __init__(
        self, write: Callable[[memoryview], None], fmt: Format, *, model: str, classes: Sequence[str]
    ) -> None:
        self._write = write
        self._cells = Cells(fmt)
        self._end = "}\n" if fmt == "json" else "\n"
        self._classes = tuple(classes)
        self._model = self._cells.constant("model", model)
        self.lines = 0

    def write(
        self,
        frame: Frame,
        scores: Scores,
        rows: npt.NDArray[np.int64],
        explained: Explained,
        notices: Sequence[Notice] = (),
        marks: Marks | None = None,
    ) -> None:
        """Write rows (ascending) of a batch frame; reasons for those that are explained, what carries the evidence for
        those with which ``notices`` are written, and by ``marks`` what was wrong with the log."""
        table = Table.of(frame)
        for begin in range(0, len(rows), _ROWS_AT_ONCE):
            self._write_some(table, scores, rows[begin : begin + _ROWS_AT_ONCE], explained, notices, marks)
        self.lines += len(rows)

    def write_rendered(self, lines: bytes | memoryview, sensor: Sequence[str] = ()) -> None:
        """Write lines that another ``ZeekmlLog`` of this format made without marks, marked with these codes."""
        if sensor:  # the last field, so a line that has none ends in an unset one
            unset = f"{self._cells.unset()}{self._end}"
            marked = f"{self._cells.constant_list('sensor', sensor)}{self._end}"
            lines = bytes(lines).replace(unset.encode(), marked.encode())
        self._write(memoryview(lines))
        self.lines += newlines(lines)

    def _write_some(
        self,
        table: Table,
        scores: Scores,
        rows: npt.NDArray[np.int64],
        explained: Explained,
        notices: Sequence[Notice],
        marks: Marks | None,
    ) -> None:
        carrying = np.full(len(rows), -1)
        if notices:  # those of one connection say the same of its host
            written = np.array([notice.row for notice in notices])
            at = np.minimum(np.searchsorted(rows, written), len(rows) - 1)
            found = np.flatnonzero(rows[at] == written)
            carrying[at[found]] = found
        cells, some = self._cells, table if len(rows) == len(table) else table.part(rows)
        columns = [
            cells.decimal("ts", some.number("ts")),
            cells.text("uid", some.text("uid")),
            cells.labels("id.orig_h", some.label("id.orig_h")),
            cells.whole("id.orig_p", some.port("id.orig_p")),
            cells.labels("id.resp_h", some.label("id.resp_h")),
            cells.whole("id.resp_p", some.port("id.resp_p")),
            cells.labels("proto", some.label("proto")),
            cells.labels("service", some.label("service")),
            cells.decimal("score", scores.score[rows]),
            cells.choices("class", self._classes, scores.class_index[rows]),
            cells.decimal("class_score", scores.class_score[rows]),
            self._reasons(rows, explained),
            self._model,
            cells.lists("evidence_peers", [notice.peers for notice in notices], carrying),
            cells.lists("evidence_ports", [notice.ports for notice in notices], carrying),
            self._sensor(rows, marks),
        ]
        self._write(cells.lines(columns))

    def _sensor(self, rows: npt.NDArray[np.int64], marks: Marks | None) -> Column:
        """Cells of what was wrong with the log when these rows came: mostly nothing, in any of them."""
        if marks is None:
            return self._cells.lists("sensor", (), np.full(len(rows), -1))
        return self._cells.lists("sensor", marks.codes, marks.of(rows))

    def _reasons(self, rows: npt.NDArray[np.int64], explained: Explained) -> Column:
        """Cells of the reasons of these rows: unset for those that have none."""
        # Most connections of a scan say the same: each text is looked at once.
        reasons = Repeated.of(explained.reasons)
        given = np.array(list(map(bool, reasons.texts)), dtype=np.bool_)
        at = np.searchsorted(explained.rows, rows)
        codes = np.full(len(rows), -1)
        within = np.flatnonzero(at < len(explained.rows))
        found = within[explained.rows[at[within]] == rows[within]]
        told = reasons.places[at[found]]
        codes[found] = np.where(given[told], told, -1)
        return self._cells.choices("reasons", reasons.texts, codes)
