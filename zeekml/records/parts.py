"""A log read in parts that are independent of each other: a plain file is cut at line ends, another is one part.

Connections, rejected lines and made-up uids are those of ``read_batches``; line numbers count from the part's first
line, since how many lines come before it is not known.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final

from zeekml.errors import InputError, TruncatedError
from zeekml.records import lines
from zeekml.records.compression import straight
from zeekml.records.eve import EveReader
from zeekml.records.frame import Gatherer, Rows
from zeekml.records.lines import MAX_LINE, Block, line_blocks, newlines
from zeekml.records.reader import Batch, LogFile, Reader, open_log, pieces_of, reader_for
from zeekml.records.rejects import Rejects
from zeekml.records.sniff import ENOUGH, Format, Sniffed, sniff
from zeekml.records.values import FINGERPRINT

_HEADER: Final = re.compile(rb"(?:#[^\n]*\n)+")
_MARKED: Final = re.compile(rb"[\n\0]#")
_LOOKED_AT: Final = 1 << 18
"""Bytes that are searched at once."""
_CLOSE: Final = b"#close"
_BEGINS: Final = re.compile(rb"\n[^\0\xef]")
"""The begin of a line where a part may begin: not with what is left out at the start of a file."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the beginning of a log tells: its format, and the bytes (FINGERPRINT or more) that tell it from others."""

    sniffed: Sniffed
    start: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes ``start`` to ``stop`` (None: the end) of a log, from a line's start to a line's end; ``header``:
    Zeek's header lines in force there; ``beginning``: None where the part has it itself."""

    log: LogFile
    start: int = 0
    stop: int | None = None
    header: bytes = b""
    beginning: Beginning | None = None


@dataclass(slots=True)
class PartEnd:
    """What is known when a part was read: its lines, where it is cut off; complete once the batches are through."""

    lines: int = 0


def cut(log: LogFile, size: int) -> list[Part]:
    """Cut a log into parts of about ``size`` bytes.

    A compressed log is one part, and so is one that is no file of this machine, or has further headers below its
    first: what is below them is read by them.
    """
    whole = [Part(log)]
    if not isinstance(log.path, Path):
        return whole
    try:
        if not log.path.is_file():
            return whole
        with log.path.open("rb") as raw:
            return _cut(log, _Content(raw), size)
    except (OSError, InputError):
        return whole  # reading it will say what is wrong


class _Content:
    """The bytes of a plain file. It is not mapped into memory: whoever looks at what a file no longer has is killed."""

    def __init__(self, raw: BinaryIO) -> None:
        self._file = raw.fileno()
        self.size = os.fstat(self._file).st_size

    def part(self, start: int, stop: int) -> bytes:
        """The bytes from ``start`` to ``stop``, fewer at the end. Raises OSError."""
        return os.pread(self._file, stop - start, start)

    def next_begin(self, at: int) -> int:
        """Where the next part may begin, behind the line in which ``at`` is; 0 where none may. Raises OSError."""
        while len(piece := self.part(at, at + _LOOKED_AT)) > 1:
            if found := _BEGINS.search(piece):
                return at + found.start() + 1
            at += len(piece) - 1
        return 0

    def line_end(self, at: int) -> int:
        """Where the line ends in which ``at`` is, behind its newline; 0 where it has none. Raises OSError."""
        while piece := self.part(at, at + _LOOKED_AT):
            if (found := piece.find(b"\n")) >= 0:
                return at + found + 1
            at += len(piece)
        return 0


def _cut(log: LogFile, content: _Content, size: int) -> list[Part]:
    whole = [Part(log)]
    start = content.part(0, ENOUGH + MAX_LINE)
    # Else it is compressed, or has marks before its first line.
    if content.size < 2 * size or start[:1] not in (b"#", b"{"):
        return whole
    beginning, header = _beginning(start, log.name), b""
    if beginning.sniffed.format is Format.ZEEK_TSV:
        found = _HEADER.match(start)
        header = found.group() if found else b""
        if not header or max(map(len, header.split(b"\n"))) > MAX_LINE:
            return whole
        below = _next_header(content, len(header))
        if below is not None and not _is_close(content, below):
            return whole
    starts = [0]
    while (at := starts[-1] + size) < content.size:
        begin = content.next_begin(at)
        if not begin:
            break
        starts.append(begin)
    if len(starts) == 1:
        return whole
    return [
        Part(log, begin, stop, header if begin else b"", beginning)
        for begin, stop in zip(starts, [*starts[1:], None], strict=True)
    ]


def _beginning(start: bytes, name: str) -> Beginning:
    """What the first bytes of a log tell. Raises FormatError and MissingColumnError."""
    first = next(line_blocks(iter([start]), lambda _number, _start: None), Block(b"", 1, 0))
    return Beginning(sniff(first.beginning(ENOUGH), name), first.beginning(FINGERPRINT))


def _next_header(content: _Content, start: int) -> int | None:
    """Where a line like a header's begins, at ``start`` or below it: with ``#``, or with zeros that are left out."""
    for at in range(start, content.size, _LOOKED_AT):
        piece = content.part(max(0, at - 1), at + _LOOKED_AT)
        # One byte is looked for ten times as fast as two, and a log of connections hardly has it.
        if b"#" in piece and (found := _MARKED.search(piece)):
            return max(0, at - 1) + found.end() - 1
    return None


def _is_close(content: _Content, at: int) -> bool:
    """Whether the line at ``at`` is the mark of a closed log, and the last."""
    is_close = content.part(at - 1, at + len(_CLOSE)) == b"\n" + _CLOSE
    return is_close and content.line_end(at) in (0, content.size)


def read_part(
    part: Part, stream: str, rejects: Rejects, end: PartEnd, *, batch_rows: int
) -> Iterator[Batch | None]:
    """Yield the connections of a part in log order, ``batch_rows`` at a time, and None after each block of lines, be
    there connections in it or not; ``end`` is told how many lines it has.

    Raises as ``read_batches`` does.
    """
    gatherer, name = Gatherer(batch_rows), part.log.name
    failure: TruncatedError | None = None
    try:
        for rows in _rows(part, stream, rejects, end, gatherer):
            for table, numbers in gatherer.add(rows) if rows is not None else ():
                yield Batch(table, name, stream, numbers)
            if rows is None:
                yield None
    except TruncatedError as error:
        failure = error
    for table, numbers in gatherer.rest():
        yield Batch(table, name, stream, numbers)
    if failure is not None:
        raise failure


def _rows(
    part: Part, stream: str, rejects: Rejects, end: PartEnd, gatherer: Gatherer
) -> Iterator[Rows | None]:
    """The rows of each block, and None after it."""

    def too_long(number: int, start: bytes) -> None:
        rejects.add(part.log.name, number, f"longer than {lines.MAX_LINE} bytes", start)
        end.lines = max(end.lines, number)

    reader: Reader | None = None
    for block in _blocks(part, too_long, lambda: gatherer.missing):
        if reader is None:
            told = part.beginning or Beginning(
                sniff(block.beginning(ENOUGH), part.log.name), block.beginning(FINGERPRINT)
            )
            reader = reader_for(told.sniffed, told.start, part.log.name, stream, rejects, extra=False)
            if part.header:
                yield from reader.read(Block(part.header, 1, 0))
        yield from reader.read(block)
        end.lines = block.line - 1 + newlines(block.data) + (block.data[-1:] != b"\n")
        yield None
    if reader is None and part.beginning is None:
        sniff(b"", part.log.name)
    if isinstance(reader, EveReader):
        reader.end()
    elif reader is None and part.beginning is not None and part.beginning.sniffed.format is Format.EVE:
        rejects.without_flows.append(part.log.name)


def _blocks(part: Part, too_long: Callable[[int, bytes], None], wanted: Callable[[], int]) -> Iterator[Block]:
    """The blocks of a part; offsets are those in the file."""
    with open_log(part.log) as raw:
        if not part.start and part.stop is None:
            yield from line_blocks(pieces_of(raw, part.log.name), too_long, wanted)
            return
        raw.seek(part.start)
        pieces = straight(raw, part.log.name, None if part.stop is None else part.stop - part.start)
        for block in line_blocks(pieces, too_long, wanted):
            yield replace(block, offset=block.offset + part.start)
