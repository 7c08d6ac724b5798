"""Blocks of a Zeek TSV log read in machine code; what is odd about a line is left to :mod:`zeek_line`.

Nothing is accepted here that the exact path would reject or read otherwise; a test holds the two together.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zeekml.arrow import numbers_of, of_bools, of_texts
from zeekml.records import columns as memory
from zeekml.records import frame
from zeekml.records.columns import Columns, FastRows, coded, room_for, taken
from zeekml.records.escapes import unescape
from zeekml.records.kernels import ends, fields, tsv
from zeekml.records.kernels.texts import SEED
from zeekml.records.kernels.words import word_of
from zeekml.records.lines import Content, line_starts
from zeekml.records.schema import Column, Kind
from zeekml.records.values import MAX_PORT, MAX_TIME
from zeekml.records.zeek_header import JOINT, Header

_READ_AS: Final[dict[Kind, int]] = {
    "time": fields.NUMBER,
    "string": fields.TEXT,
    "label": fields.LABEL,
    "port": fields.PORT,
    "number": fields.NUMBER,
    "bool": fields.BOOL,
}
_LIMITS: Final[dict[Kind, float]] = {"time": MAX_TIME, "port": MAX_PORT}
_MOST: Final = 1 << 30  # bytes
_MARK: Final = 8  # bytes, at most


class FastReader:
    """Reads whole blocks under one header."""

    def __init__(self, header: Header, columns: list[tuple[int, Column]]) -> None:
        self._header = header
        self._columns = columns
        self._joined_from = header.width - 1 if header.joined > 1 else len(header.names)
        self._separator = header.separator[0]
        self._marks = (word_of(header.unset), len(header.unset), word_of(header.empty), len(header.empty))
        self._kinds = np.full(header.width, fields.SKIPPED, dtype=np.uint8)
        self._outputs = np.zeros(header.width, dtype=np.int64)
        self._limits = np.full(header.width, np.finfo(np.float64).max)
        self._used = [0] * (max(memory.KINDS.values()) + 1)
        for place, column in columns:
            if place < self._joined_from:
                self._take(place, column.kind)
                if column.required and column.name != "conn_state":
                    self._kinds[place] |= fields.REQUIRED
        if header.joined > 1:
            self._take(self._joined_from, "label")
        self._room = room_for(self)
        self._work = (ends.room(), tsv.room_for_tail(), np.zeros(ends.WINDOW, dtype=np.uint8))

    @classmethod
    def for_header(cls, header: Header, columns: list[tuple[int, Column]]) -> FastReader | None:
        """Return a reader, or None for a header that only the exact path can follow."""
        if header.missing or not header.plain or not _marks_are_plain(header):
            return None
        joined = [column for place, column in columns if header.joined > 1 and place >= header.width - 1]
        if any(column.kind != "label" or column.required for column in joined):
            return None
        return cls(header, columns)

    def read(self, data: Content, start: int = 0) -> FastRows | None:
        """Return the connections in ``data`` from ``start`` to the next header; None for more than can be read so."""
        if len(data) > _MOST:
            return None
        raw = np.frombuffer(data, dtype=np.uint8)
        most = tsv.count_lines(raw[start:]) + 1
        read = Columns(self._used, most, len(data) - start, self._room)
        places, odd = read.places, np.empty((most, 2), dtype=np.int64)
        counts = np.zeros(4, dtype=np.int64)
        stop = tsv.read_lines(
            raw, start, self._separator, self._kinds, self._outputs, self._limits, *self._marks, SEED, *read.arrays,
            places, odd, counts, *self._work,
        )  # fmt: skip
        rows, count, strange, written = map(int, counts)
        read.close(written)
        wrong = np.zeros(rows, dtype=np.bool_)
        table = pa.table(self._arrays(read, rows, wrong))
        fast = FastRows(table, places[:rows], odd[:strange], count, stop)
        return _without(fast, wrong, line_starts(data, start)) if wrong.any() else fast

    def _take(self, place: int, kind: Kind) -> None:
        array = memory.KINDS[kind]
        self._kinds[place] = _READ_AS[kind]
        self._outputs[place] = self._used[array]
        self._limits[place] = _LIMITS.get(kind, self._limits[place])
        self._used[array] += 1

    def _arrays(self, read: Columns, rows: int, wrong: npt.NDArray[np.bool_]) -> dict[str, pa.Array]:
        """The columns by name; ``wrong`` (rows,) is set where the exact path must judge."""
        joined = self._split_joined(read, rows, wrong) if self._header.joined > 1 else []
        arrays: dict[str, pa.Array] = {}
        for place, column in self._columns:
            output = int(self._outputs[min(place, self._joined_from)])
            if place >= self._joined_from:
                arrays[column.name] = joined[place - self._joined_from]
            elif column.kind != "label":
                arrays[column.name] = read.array(column.kind, output, rows)
            elif read.met(output) or column.name == "proto":
                arrays[column.name] = self._marked(column.name, read, output, rows)
            else:
                arrays[column.name] = coded(read.codes(output, rows), read.labels(output))
        return arrays

    def _marked(self, name: str, read: Columns, output: int, rows: int) -> pa.Array:
        """Labels without escapes, with the mark of an empty value read as one, and protocols in lower case."""
        raw = read.raw_labels(output)
        texts = [self._text(field) for field in raw]
        if name == "proto":
            texts = [text.lower() for text in texts]
        codes = read.codes(output, rows)
        if len(set(texts)) < len(texts):
            return taken(texts, codes)
        return coded(codes, of_texts(texts, pa.string()))

    def _split_joined(self, read: Columns, rows: int, wrong: npt.NDArray[np.bool_]) -> list[pa.Array]:
        """The labels in the joined last column; only its different values are split."""
        output, count = int(self._outputs[self._joined_from]), self._header.joined
        split = [value.split(JOINT.encode()) for value in read.raw_labels(output)]
        whole = np.array([len(parts) == count for parts in split] + [False])
        codes = read.codes(output, rows)
        wrong |= ~whole[numbers_of(codes, -1)]
        return [
            taken([self._or_unset(parts[part]) if len(parts) == count else None for parts in split], codes)
            for part in range(count)
        ]

    def _text(self, field: bytes) -> str:
        return "" if field == self._header.empty else unescape(field)

    def _or_unset(self, field: bytes) -> str | None:
        return None if field in (b"", self._header.unset) else self._text(field)


def _marks_are_plain(header: Header) -> bool:
    """Whether marks and separator cannot be taken for a part of a number, or for one of each other."""
    marks = (header.unset, header.empty)
    return (
        all(len(mark) <= _MARK and not any(byte < ord(" ") for byte in mark) for mark in marks)
        and not header.unset[:1].isdigit()
        and not header.separator.isalnum()
        and header.separator not in b"\0."
    )


def _without(fast: FastRows, wrong: npt.NDArray[np.bool_], starts: frame.Lines) -> FastRows:
    """The rows without the wrong ones, whose lines become odd."""
    places = fast.places[wrong]
    odd = np.concatenate([fast.odd, np.column_stack([places, starts[places]])])
    return FastRows(
        fast.table.filter(of_bools(~wrong)),
        fast.places[~wrong],
        odd[np.argsort(odd[:, 0])],
        fast.count,
        fast.stop,
    )
