"""Reads notice.log and zeekml.log, as zeekml or Zeek wrote them, TSV or JSON, into frames.

A frame has the columns of ``schema.Wanted``: ``ts`` (epoch s), texts (None where unset), numbers (NaN where unset).
What cannot be read, and a line without its time, its originator or what the log is about, is counted and left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from zeekml.errors import FormatError, InputError
from zeekml.records import compression
from zeekml.records.escapes import unescape
from zeekml.records.lines import Block, line_blocks, split_lines
from zeekml.records.times import seconds
from zeekml.records.values import MAX_TIME
from zeekml.records.zeek_header import Header
from zeekml.report.schema import LISTS, Wanted, told_by

_HEADER_LINE = re.compile(rb"^#[^\n]*\n?", re.MULTILINE)
_EXPECTED = "expected a notice.log or zeekml.log, as zeekml score and zeekml watch write them (TSV or JSON)"


class LogReader:
    """Reads one log; ``rejected`` counts the lines that could not be read, ``wanted`` says which log it is."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.wanted: Wanted | None = None
        self.rejected = 0
        self._header = Header()
        self._is_json: bool | None = None

    def frames(self, raw: BinaryIO) -> Iterator[pd.DataFrame]:
        """Yield the log's lines as frames, in order.

        FormatError for another log, InputError where it cannot be read, TruncatedError, after all whole lines, where a
        compressed one ends early.
        """
        for block in line_blocks(self._pieces(raw), self._too_long):
            if self._is_json is None:
                self._is_json = bytes(block.data).lstrip(b"\0 \t\r\n").startswith(b"{")
            for table in self._json(block) if self._is_json else self._tsv(block):
                frame = self._checked(table)
                if len(frame):
                    yield frame
        if self.wanted is None:
            raise FormatError(f"{self.name}: empty, or without a header; {_EXPECTED}.")

    def _pieces(self, raw: BinaryIO) -> Iterator[bytes]:
        try:
            yield from compression.content(raw, self.name)
        except OSError as error:
            raise InputError(f"{self.name}: cannot be read: {error.strerror or error}.") from error

    def _too_long(self, _number: int, _start: bytes) -> None:
        self.rejected += 1

    def _tell(self, columns: list[str]) -> Wanted:
        """Which log it is; one file is one log."""
        told = told_by(columns)
        if told is None or (self.wanted is not None and told is not self.wanted):
            raise FormatError(f"{self.name}: holds {', '.join(columns)[:200]!r}; {_EXPECTED}.")
        self.wanted = told
        return told

    def _tsv(self, block: Block) -> Iterator[pd.DataFrame]:
        """The lines between one header and the next, wherever in the block headers stand."""
        data, at = bytes(block.data), 0
        for line in _HEADER_LINE.finditer(data):
            yield from self._tsv_lines(data[at : line.start()])
            self._header = self._header.with_line(line[0].removesuffix(b"\n"))
            if line[0].startswith(b"#fields"):
                self._tell(list(self._header.names))
            at = line.end()
        yield from self._tsv_lines(data[at:])

    def _tsv_lines(self, data: bytes) -> Iterator[pd.DataFrame]:
        if not data.strip(b"\0\r\n"):
            return
        header, wanted = self._header, self.wanted
        if wanted is None or not header.plain:
            raise FormatError(f"{self.name}: lines without Zeek's #fields header; {_EXPECTED}.")
        present = [name for name in wanted.names if name in header.names]
        table = self._parsed(data, header, present)
        if table is not None:
            texts = {name: self._texts(table[name]) for name in present if name in wanted.texts}
            numbers = {name: _numbers(table[name]) for name in present if name not in wanted.texts}
            yield pd.DataFrame({**texts, **numbers})

    def _parsed(self, data: bytes, header: Header, present: list[str]) -> pa.Table | None:
        def skip(_row: arrow_csv.InvalidRow) -> str:
            self.rejected += 1
            return "skip"

        try:
            data.decode()
        except UnicodeDecodeError:  # Arrow tells of a line that is too long or too short as text
            data = data.decode("utf-8", "backslashreplace").encode()
        names = [f"{place} {name}" for place, name in enumerate(header.names)]  # a name may stand there twice
        columns = {name: names[header.names.index(name)] for name in present}
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(data),
                read_options=arrow_csv.ReadOptions(
                    use_threads=False, block_size=len(data) + 1, column_names=names
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=header.separator.decode(),
                    quote_char=False,
                    double_quote=False,
                    escape_char=False,
                    newlines_in_values=False,
                    invalid_row_handler=skip,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(columns.values(), pa.binary()),
                    include_columns=list(columns.values()),
                    null_values=["", header.unset.decode()],
                    strings_can_be_null=True,
                ),
            )
        except pa.ArrowInvalid:
            self.rejected += data.count(b"\n")
            return None
        return table.rename_columns(list(columns))

    def _texts(self, column: pa.ChunkedArray) -> pd.Series:
        """Texts with their escapes undone; only distinct values take the slow way through Python."""
        distinct = column.combine_chunks().dictionary_encode()
        empty = self._header.empty
        texts = [
            "" if value == empty else unescape(value.removesuffix(b"\r"))
            for value in distinct.dictionary.to_pylist()
        ]
        codes = pc.fill_null(distinct.indices, -1).to_numpy(zero_copy_only=False)
        return pd.Series(np.array([*texts, None], dtype=object)[codes])

    def _json(self, block: Block) -> Iterator[pd.DataFrame]:
        objects: list[dict[str, Any]] = []
        for line in split_lines(block.data):
            if not line.strip(b"\0\r\t "):
                continue
            try:
                parsed = orjson.loads(line.lstrip(b"\0"))
            except orjson.JSONDecodeError:
                parsed = None
            if isinstance(parsed, dict):
                objects.append(parsed)
            else:
                self.rejected += 1
        if not objects:
            return
        wanted = self.wanted or self._tell(sorted({key for each in objects[:100] for key in each}))
        texts = {name: [_text(each.get(name)) for each in objects] for name in wanted.texts}
        numbers = {name: [_number(each.get(name)) for each in objects] for name in wanted.numbers}
        moments = [_moment(each.get("ts")) for each in objects]
        yield pd.DataFrame(
            {
                "ts": moments,
                **{name: pd.Series(values, dtype=object) for name, values in texts.items()},
                **numbers,
            }
        )

    def _checked(self, frame: pd.DataFrame) -> pd.DataFrame:
        """All columns in their order; without the lines that lack what they are about."""
        assert self.wanted is not None  # noqa: S101  (told by the header or the first objects)
        wanted = self.wanted
        for name in wanted.names:
            if name not in frame:
                frame[name] = None if name in wanted.texts else np.nan
        good = frame["ts"].between(0, MAX_TIME)
        for name in wanted.needed:
            good &= frame[name].notna()
        if wanted.kind == "zeekml.log":
            good &= frame["score"].between(0, 1)
        self.rejected += int((~good).sum())
        for name in LISTS:
            if name in frame:
                frame[name] = [
                    text.replace(",", ", ") if isinstance(text, str) else "" for text in frame[name]
                ]
        port = frame["id.resp_p"]
        frame["id.resp_p"] = port.where(port.between(0, 65_535), -1).fillna(-1).astype(np.int64)
        return frame.loc[good, list(wanted.names)].reset_index(drop=True)


def _numbers(column: pa.ChunkedArray) -> pd.Series:
    try:
        numbers: pd.Series = pc.cast(pc.cast(column, pa.string()), pa.float64()).to_pandas()
        return numbers
    except pa.ArrowInvalid:  # something else than a number among them
        values = [None if value is None else value.decode("latin-1") for value in column.to_pylist()]
        return pd.to_numeric(pd.Series(values, dtype=object), errors="coerce").astype(np.float64)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)  # as TSV has sets and vectors
    return orjson.dumps(value).decode()


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")


def _moment(value: object) -> float:
    """Epoch seconds; NaN for what is no time."""
    if isinstance(value, str):
        try:
            return seconds(value)
        except (ValueError, OverflowError):
            return float("nan")
    return seconds(_number(value))
