"""One file of a log being read: blocks of whole lines from where it stands, and connections from blocks."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import numpy as np

from zeekml.errors import FormatError, InputError
from zeekml.records import lines
from zeekml.records.eve import EveReader
from zeekml.records.frame import Rows
from zeekml.records.lines import Block, without_long_lines
from zeekml.records.reader import Reader
from zeekml.records.rejects import Rejects
from zeekml.records.sniff import ENOUGH, OBJECTS, Format, sniff
from zeekml.records.values import DATA_LINE, UidMaker
from zeekml.records.zeek_json import ZeekJsonReader
from zeekml.records.zeek_tsv import ZeekTsvReader
from zeekml.sensor.content import Content
from zeekml.sensor.header import HeaderKeeper
from zeekml.sensor.identity import MARK, START, digest, starts_alike
from zeekml.sensor.position import Position

_PIECE = 4 << 20  # bytes read at a time
_PER_LINE = 512  # bytes, about: no more is read than is wanted
_CLOSE = b"#close"


class OpenLog:
    """A file, how far it was read, and the reader of its format.

    ``at`` is where to go on in this file, None for its start; ``header`` are Zeek's header lines in force before it,
    for a file that goes on without one of its own.
    """

    def __init__(
        self,
        content: Content,
        stream: str,
        rejects: Rejects,
        *,
        at: Position | None = None,
        header: bytes = b"",
    ) -> None:
        self.content = content
        self.name = str(content.path)
        self.closed = False
        self.real_path = os.path.realpath(content.path)
        self._stream = stream
        self._rejects = rejects
        self._reader: Reader | None = None
        self._problem: InputError | None = None
        self._searched = 0  # bytes after the offset, of a line that is too long, without a newline
        self._size = -1
        self._grown = time.monotonic()
        self._begin = at.begin if at else None
        self._offset = at.offset if at else 0
        self._line = at.line if at else 0
        self._format = at.format if at else ""
        self._header = HeaderKeeper(at.header if at else header)
        self._ahead = b""  # what stood at the start while nothing was taken
        self._start = self._recent = b""
        if at:
            self._remember()

    @property
    def offset(self) -> int:
        """Bytes of content taken."""
        return self._offset

    @property
    def problem(self) -> InputError | None:
        """Why this file cannot be read at all."""
        return self._problem

    @property
    def header(self) -> bytes:
        """Zeek's header lines in force."""
        return self._header.bytes()

    def position(self, before: Position) -> Position:
        """Where this stands; ``before`` is the last position, which stays while nothing was taken from this file."""
        if not self._offset:
            return before
        device, inode = self.content.identity
        return Position(
            device=device,
            inode=inode,
            path=self.real_path,
            begin=self._begin or 0,
            offset=self._offset,
            line=self._line,
            fingerprint=digest(self._start),
            mark=digest(self._recent),
            header=self.header,
            format=self._format,
            modified=self.content.modified(),
            previous=before.previous,
            predecessor=before.predecessor,
        )

    def skip_to_end(self, before: Position) -> Position:
        """Go on after the last whole line; what stands before is not read, but for the headers.

        The position there; ``before`` where there is no connection yet: it is then read from its start.
        """
        begin = self._begin = self.content.begin()
        if begin is None:
            return before
        end = begin
        offset, line, headers_only = begin, 0, True
        while data := self.content.read(offset, _PIECE):
            line += data.count(b"\n")
            self._header.take(data)
            cut = data.rfind(b"\n") + 1
            if cut:
                end = offset + cut
            headers_only = headers_only and not DATA_LINE.search(data[:cut])
            # Once more from the start of the last line, so that no header is seen in two halves.
            offset += cut if 0 < cut < len(data) else len(data)
        if headers_only:
            return before
        self._reader_for_start()
        self._offset, self._line = end, line
        self._remember()
        return self.position(before)

    def go_back(self, position: Position) -> bool:
        """Stand in a file that was cut short behind its first lines: at its end, or still at ``position``.

        False where the file does not begin as that of ``position`` did.
        """
        content = self.content
        if not starts_alike(content, position):
            return False
        self._begin, self._format = position.begin, position.format
        self._offset, self._line = position.offset, position.line
        if content.size() < position.offset:
            # A line cut in two was taken when it was whole.
            self._offset = content.size()
            self._line = content.read(0, self._offset).count(b"\n")
        self._remember()
        return True

    def same(self) -> bool:
        """Whether the file still holds what was taken from it; not after a truncation in place."""
        content = self.content
        if content.packed or self._begin is None:
            return True
        if not self._offset:
            ahead = content.read(self._begin, START)
            if not ahead.startswith(self._ahead):
                return False
            self._ahead = ahead
            return True
        return (
            content.read(self._offset - len(self._recent), len(self._recent)) == self._recent
            and content.read(self._begin or 0, len(self._start)) == self._start
        )

    def blocks(  # noqa: PLR0911  (nothing yet, for many reasons)
        self, most_lines: int, *, final: bool = False
    ) -> list[Block] | None:
        """Take up to ``most_lines`` whole lines, None where there are none now; ``final``: all that there is.

        An empty list: lines were taken that give nothing. Raises OSError.
        """
        if self._begin is None:
            self._begin = self.content.begin()
            if self._begin is None:
                return None
        offset = self._offset or self._begin
        if self._searched:
            return self._rest_of_long_line(offset, final=final)
        data = self.content.read(offset, min(_PIECE, max(lines.MAX_LINE + 1, most_lines * _PER_LINE)))
        cut = data.rfind(b"\n") + 1
        if not cut and len(data) > lines.MAX_LINE:
            self._searched = len(data)
            return self._rest_of_long_line(offset, final=final)
        if not cut and not final:
            return None
        data = data[: cut or None]
        if self._reader is None and (first := DATA_LINE.search(data)):
            most_lines += data.count(b"\n", 0, first.start())  # the header and the first line are one
        data = _first_lines(data, most_lines)
        if not data or not (self._reader or self._reader_for(data, final=final)):
            return None
        if not self.same():
            return None
        whole = Block(data, self._line + 1, offset)
        self._take(data, offset)
        return list(without_long_lines(whole, self._too_long))

    def rows(self, block: Block) -> Iterator[Rows]:
        """The connections of a block."""
        return self._reader.read(block) if self._reader else iter(())

    def quiet_for(self, seconds: float) -> bool:
        """Whether nothing more is to be expected: closed by Zeek, whole when compressed, or not written lately."""
        if self.closed or (self.content.packed and self.content.failure is None):
            return True
        size = self.content.size()
        if size != self._size:
            if self._size >= 0:
                self._grown = time.monotonic()
            self._size = size
        # Either clock may tell: the one of the files may jump, the other knows nothing of before the start.
        return (
            abs(time.time() - self.content.modified()) >= seconds or time.monotonic() - self._grown >= seconds
        )

    def lag(self) -> int:
        """Bytes on disk that were not taken yet; of a compressed file all, until it is read."""
        size = self.content.size()
        return size if self.content.packed else max(0, size - self._offset)

    def close(self) -> None:
        """Let go of the file."""
        self.content.close()

    def _take(self, data: bytes, offset: int) -> None:
        self._header.take(data)
        self._offset = offset + len(data)
        self._line += data.count(b"\n") + (not data.endswith(b"\n"))
        self.closed = data.rfind(_CLOSE, max(0, data.rfind(b"\n", 0, -1))) >= 0
        begin = self._begin or 0
        if len(self._start) < START:
            if offset == begin + len(self._start):
                self._start = (self._start + data[:START])[:START]
            else:
                self._start = self.content.read(begin, min(START, self._offset - begin))
        self._recent = (self._recent + data)[-MARK:] if len(data) < MARK else data[-MARK:]

    def _remember(self) -> None:
        """Read back what the file is known by."""
        begin = self._begin or 0
        taken = self._offset - begin
        self._start = self.content.read(begin, min(START, taken))
        size = min(MARK, taken)
        self._recent = self.content.read(self._offset - size, size)

    def _reader_for(self, data: bytes, *, final: bool) -> bool:
        """Make the reader, when enough is there to tell the format."""
        if self._format:
            self._make_reader(Format(self._format))
            return True
        if self._problem is not None:
            return False
        if not final and not DATA_LINE.search(data):
            # A header alone: taken with the first connection, so that a position always has one to be known by.
            return False
        return self._reader_for_start(final=final)

    def _reader_for_start(self, *, final: bool = False) -> bool:
        begin = self._begin or 0
        start = self.content.read(begin, ENOUGH)
        start = start[: start.rfind(b"\n") + 1] or start
        if not start.startswith((b"#", b"{")) and self._header.bytes():
            self._make_reader(Format.ZEEK_TSV)
            return True
        try:
            self._make_reader(sniff(start, self.name).format)
        except FormatError as error:
            if (
                not final
                and start.startswith(b"{")
                and start.count(b"\n") < OBJECTS
                and len(start) < ENOUGH // 2
            ):
                return False  # the first objects may be of other logs
            self._problem = error
            return False
        return True

    def _make_reader(self, form: Format) -> None:
        self._format = form.value
        make_uid = UidMaker(self._stream, self.content.read(self._begin or 0, START))
        match form:
            case Format.ZEEK_TSV:
                self._reader = ZeekTsvReader(self.name, self._rejects, make_uid, extra=False)
                list(self._reader.read(Block(self._header.bytes(), 1, 0)))
            case Format.ZEEK_JSON:
                self._reader = ZeekJsonReader(self.name, self._rejects, make_uid)
            case Format.EVE:
                self._reader = EveReader(self.name, self._rejects, make_uid)

    def _too_long(self, number: int, start: bytes) -> None:
        self._rejects.add(self.name, number, f"longer than {lines.MAX_LINE} bytes", start)

    def _rest_of_long_line(self, offset: int, *, final: bool) -> list[Block] | None:
        """Look for the end of a line that is too long, without holding it; the position stays before it."""
        while data := self.content.read(offset + self._searched, lines.MAX_LINE):
            end = data.find(b"\n") + 1
            self._searched += end or len(data)
            if end:
                break
        else:
            if not final:
                return None
        if not self.same():
            self._searched = 0
            return None
        self._too_long(self._line + 1, self.content.read(offset, 4096))
        self._offset = offset + self._searched
        self._line += 1
        self._searched = 0
        self._remember()
        return []


def _first_lines(data: bytes, most: int) -> bytes:
    if data.count(b"\n") <= most:
        return data
    newlines = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
    return data[: int(newlines[most - 1]) + 1]
