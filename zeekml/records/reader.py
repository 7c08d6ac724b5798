"""One log read as batches: opened, decompressed, told by content, read by its format's reader."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

import pyarrow as pa

from zeekml.errors import InputError, TruncatedError
from zeekml.records import compression, lines
from zeekml.records.compression import Straight
from zeekml.records.eve import EveReader
from zeekml.records.frame import Gatherer, Lines, Rows
from zeekml.records.lines import Block, line_blocks
from zeekml.records.rejects import Rejects
from zeekml.records.sniff import ENOUGH, Format, Sniffed, sniff
from zeekml.records.values import FINGERPRINT, UidMaker
from zeekml.records.zeek_json import ZeekJsonReader
from zeekml.records.zeek_tsv import ZeekTsvReader
from zeekml.table import Table

if TYPE_CHECKING:
    import pandas as pd

#: Connections in a batch: half as many take a twelfth more processor time, twice as many half as much memory again.
BATCH_ROWS = 65_536

_FIRST = 1 << 16  # bytes that tell the compression


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log to read; ``path`` is None for standard input. ``name`` is what people are shown."""

    path: Path | None
    name: str


@dataclass(frozen=True, eq=False)
class Batch:
    """Connections in log order, as Arrow has them; ``lines`` (N,) are the line numbers in ``source``, from 1."""

    arrow: pa.Table
    source: str
    stream: str
    lines: Lines

    def __len__(self) -> int:
        return self.arrow.num_rows  # type: ignore[no-any-return]

    @cached_property
    def table(self) -> Table:
        """The connections by column, with the names of :data:`zeekml.records.schema.COLUMNS`."""
        return Table.of_arrow(self.arrow)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The connections as a pandas frame with those columns, then the log's further ones, and an index from 0."""
        from zeekml.records.to_pandas import to_frame  # noqa: PLC0415 - pandas takes a third of a second

        return to_frame(self.arrow)


class Reader(Protocol):
    """What each format has: blocks of lines in, rows out."""

    def read(self, block: Block) -> Iterator[Rows]:
        """Yield the connections of a block in line order."""
        ...


def read_batches(
    log: LogFile, stream: str, *, rejects: Rejects, batch_rows: int = BATCH_ROWS, extra: bool = False
) -> Iterator[Batch]:
    """Yield the connections of ``log`` in batches of ``batch_rows``, the last one smaller; memory is bounded.

    ``extra`` adds the log's further columns (``label`` and others) as labels after those of the schema.
    Raises FormatError or MissingColumnError for what is no connection log, InputError where the file cannot
    be read, and TruncatedError, after all whole lines, where a compressed stream ends early or is damaged.
    """
    if batch_rows < 1:
        raise ValueError(f"batch_rows is {batch_rows}, expected 1 or more")
    gatherer = Gatherer(batch_rows)
    failure: TruncatedError | None = None
    try:
        for rows in _rows(log, stream, rejects, gatherer, extra=extra):
            for table, numbers in gatherer.add(rows):
                yield Batch(table, log.name, stream, numbers)
    except TruncatedError as error:
        failure = error
    for table, numbers in gatherer.rest():
        yield Batch(table, log.name, stream, numbers)
    if failure is not None:
        raise failure


def _rows(log: LogFile, stream: str, rejects: Rejects, gatherer: Gatherer, *, extra: bool) -> Iterator[Rows]:
    def too_long(number: int, start: bytes) -> None:
        rejects.add(log.name, number, f"longer than {lines.MAX_LINE} bytes", start)

    with open_log(log) as raw:
        reader: Reader | None = None
        for block in line_blocks(pieces_of(raw, log.name), too_long, lambda: gatherer.missing):
            if reader is None:
                sniffed = sniff(block.beginning(ENOUGH), log.name)
                beginning = block.beginning(FINGERPRINT)
                reader = reader_for(sniffed, beginning, log.name, stream, rejects, extra=extra)
            yield from reader.read(block)
        if reader is None:
            sniff(b"", log.name)
        if isinstance(reader, EveReader):
            reader.end()


def pieces_of(raw: BinaryIO, name: str) -> Iterator[bytes | Straight]:
    """The content of an open log in pieces. Raises as ``read_batches`` does."""
    try:
        yield from compression.pieces(raw, name, _FIRST)
    except OSError as error:
        raise compression.unreadable(name, error) from error


def reader_for(
    sniffed: Sniffed, beginning: bytes, source: str, stream: str, rejects: Rejects, *, extra: bool
) -> ZeekTsvReader | ZeekJsonReader | EveReader:
    """The reader of a file with this beginning, FINGERPRINT bytes of its first block or more."""
    make_uid = UidMaker(stream, beginning)
    match sniffed.format:
        case Format.ZEEK_TSV:
            return ZeekTsvReader(source, rejects, make_uid, extra=extra)
        case Format.ZEEK_JSON:
            return ZeekJsonReader(source, rejects, make_uid, sniffed.further if extra else ())
        case Format.EVE:
            return EveReader(source, rejects, make_uid)


@contextlib.contextmanager
def open_log(log: LogFile) -> Iterator[BinaryIO]:
    """Open a log for reading bytes; standard input is left open. Raises InputError."""
    if log.path is None:
        yield sys.stdin.buffer
        return
    try:
        raw = log.path.open("rb")
    except OSError as error:
        raise InputError(
            f"{log.name}: cannot be opened: {error.strerror or error}. Check the path and its rights."
        ) from error
    with raw:
        yield raw
