"""Zeek TSV logs: headers followed wherever they stand, blocks read fast, odd lines one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from zeekml.records import frame
from zeekml.records.frame import Rows, lacks_uids, merged, with_uids
from zeekml.records.lines import Block, Content, line_at, line_starts, newlines
from zeekml.records.rejects import Rejects
from zeekml.records.schema import Column
from zeekml.records.values import BadLine, UidMaker
from zeekml.records.zeek_header import Header
from zeekml.records.zeek_line import LineReader, Value, wanted_columns

if TYPE_CHECKING:
    from zeekml.records.columns import FastRows
    from zeekml.records.zeek_fast import FastReader

_DIRECTIVE = re.compile(rb"^\0*#[^\n]*\n?", re.MULTILINE)
_SMALL = 1 << 10  # bytes: below this, line by line costs less than what the fast path needs for itself
_UID = Column("uid", "string")


class ZeekTsvReader:
    """Reads the blocks of one file. Lines that cannot be read go to ``rejects``.

    ``fast=False`` reads line by line; the result is the same.
    """

    def __init__(
        self, source: str, rejects: Rejects, make_uid: UidMaker, *, extra: bool, fast: bool = True
    ) -> None:
        self._source = source
        self._rejects = rejects
        self._make_uid = make_uid
        self._extra = extra
        self._may_be_fast = fast
        self._set_header(Header())

    def read(self, block: Block) -> Iterator[Rows]:
        """Yield the connections of ``block`` in line order."""
        data = block.data
        start, line = 0, block.line
        while start < len(data):
            if found := _DIRECTIVE.match(data, start):
                self._set_header(self._header.with_line(found.group().lstrip(b"\0").removesuffix(b"\n")))
                start = found.end()
                line += 1
                continue
            fast = self._read_fast(data, start) if len(data) - start >= _SMALL else None
            if fast:
                yield self._completed(fast, block, start, line)
                start = fast.stop
                line += fast.count
                continue
            found = _DIRECTIVE.search(data, start)
            stop = found.start() if found else len(data)
            between = Block(bytes(data[start:stop]), line, block.offset + start)
            yield from self._read_lines(between)
            start = stop
            line += newlines(between.data)

    def _set_header(self, header: Header) -> None:
        self._header = header
        self._columns = wanted_columns(header, extra=self._extra)
        self._line_reader = LineReader(header, self._columns)
        self._fast: FastReader | None = None
        self._fast_for: Header | None = None

    def _read_lines(self, block: Block) -> Iterator[Rows]:
        if self._header.missing:
            self._reject_all(block)
        else:
            yield self._read_exactly(block.lines(), len(block.data))

    def _read_fast(self, data: Content, start: int) -> FastRows | None:
        if self._fast_for is not self._header and self._may_be_fast:
            # Loaded with the first block that is long enough: kernels take their time.
            from zeekml.records.zeek_fast import FastReader  # noqa: PLC0415

            self._fast_for = self._header
            self._fast = FastReader.for_header(self._header, self._columns)
        return self._fast.read(data, start) if self._fast else None

    def _completed(self, fast: FastRows, block: Block, start: int, line: int) -> Rows:
        """Add the uids and the lines that the fast path left out; it read from ``start``, which is in ``line``."""
        table, data = fast.table, block.data
        if lacks_uids(table):
            table = with_uids(table, self._make_uid, line_starts(data, start)[fast.places] + block.offset)
        rows = Rows(table, fast.lines_from(line), fast.stop - start)
        if not len(fast.odd):
            return rows
        odd = ((int(place) + line, int(at) + block.offset, line_at(data, int(at))) for place, at in fast.odd)
        return merged(rows, self._read_exactly(odd, 0))

    def _read_exactly(self, lines: Iterable[tuple[int, int, bytes]], size: int) -> Rows:
        columns = [column for _, column in self._columns]
        uid = next((place for place, column in enumerate(columns) if column.name == "uid"), None)
        rows: list[list[Value]] = []
        numbers: list[int] = []
        for number, offset, line in lines:
            try:
                row = self._line_reader.read(line)
            except BadLine as reason:
                self._rejects.add(self._source, number, str(reason), line)
                continue
            if row is None:
                self._rejects.passed_over += 1
                continue
            if uid is None:
                row.append(self._make_uid(offset))
            elif not row[uid]:
                row[uid] = self._make_uid(offset)
            rows.append(row)
            numbers.append(number)
        if uid is None:
            columns.append(_UID)
        return Rows(frame.table_of(columns, rows), np.array(numbers, dtype=np.int64), size)

    def _reject_all(self, block: Block) -> None:
        lacking = self._header.missing[0]
        reason = f"the header above lacks {lacking}" if self._header.names else "no #fields header above"
        for number, _, line in block.lines():
            if line.strip(b"\0\r"):
                self._rejects.add(self._source, number, reason, line)
            else:
                self._rejects.passed_over += 1
