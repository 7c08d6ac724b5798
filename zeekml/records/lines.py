"""Cuts a byte stream into blocks of whole lines, in bounded memory whatever the stream holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zeekml.records.kernels.tsv import count_lines, end_of_lines

MAX_LINE = 1 << 20  # bytes; no connection is written longer
MOST_CUT = 16 << 20  # bytes, about, of a block that is cut to a number of lines
_NEWLINE = ord("\n")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines. Only the last line of a stream may lack its newline.

    ``line`` is the number of the first line (from 1), ``offset`` its place in the content (bytes).
    """

    data: bytes
    line: int
    offset: int

    def part(self, start: int, stop: int) -> Block:
        """The lines in ``data[start:stop]``, both at line starts."""
        return Block(self.data[start:stop], self.line + self.data.count(b"\n", 0, start), self.offset + start)

    def lines(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield (line number, offset, line without its newline)."""
        number, offset = self.line, self.offset
        lines = self.data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        for line in lines:
            yield number, offset, line
            number += 1
            offset += len(line) + 1


def line_blocks(
    pieces: Iterator[bytes],
    too_long: Callable[[int, bytes], None],
    wanted: Callable[[], int] | None = None,
) -> Iterator[Block]:
    """Yield blocks of whole lines; NUL bytes and a byte order mark before the first line are skipped.

    ``too_long(line number, its beginning)`` is called for each line over MAX_LINE, which is then left out.
    What follows the last newline is the last block, without newline. A block has what a piece has; where ``wanted``
    says how many lines (1 or more) are needed next, all but the first, which tells the format, have as many, or about
    MOST_CUT bytes.
    """
    line, offset = 1, 0
    held = bytearray()
    skipping = False
    at_start = True
    cutter = _Cutter(wanted)
    for piece in pieces:
        held += piece
        if at_start:
            begun = _start_of(held)
            if begun < 0:
                continue
            at_start = begun == len(held) and not held.endswith(_BOM)
            offset += begun
            del held[:begun]
        if skipping:
            end = held.find(b"\n") + 1
            offset += end or len(held)
            del held[: end or None]
            if not end:
                continue
            line += 1
            skipping = False
        cut = held.rfind(b"\n") + 1
        is_long = len(held) - cut > MAX_LINE
        start = 0
        while start < cut:
            end, lines = cutter.end(held, start, cut, at_least=is_long)
            if end < 0:
                break
            with memoryview(held) as view:
                whole = Block(bytes(view[start:end]), line, offset)
            line += lines
            offset += end - start
            start = end
            yield from without_long_lines(whole, too_long)
        del held[:start]
        if is_long:
            too_long(line, bytes(held[:MAX_LINE]))
            offset += len(held)
            held.clear()
            skipping = True
    yield from _last_blocks(Block(bytes(held), line, offset), too_long)


def _start_of(held: bytearray) -> int:
    """Where the first line begins, -1 where that depends on what follows.

    An outside truncation of an open log leaves NUL bytes up to Zeek's old offset.
    """
    nuls = len(held) - len(held.lstrip(b"\0"))
    first = bytes(held[nuls : nuls + len(_BOM)])
    if first == _BOM:
        return nuls + len(_BOM)
    return -1 if first and _BOM.startswith(first) else nuls


def _last_blocks(rest: Block, too_long: Callable[[int, bytes], None]) -> Iterator[Block]:
    """The whole lines at the end of the content, and what follows the last newline."""
    cut = rest.data.rfind(b"\n") + 1
    if cut:
        yield from without_long_lines(rest.part(0, cut), too_long)
    if cut < len(rest.data):
        yield rest.part(cut, len(rest.data))


class _Cutter:
    """Cuts off as many lines as are wanted; all that is there where nobody says how many, and at first."""

    def __init__(self, wanted: Callable[[], int] | None) -> None:
        self._wanted = wanted
        self._is_first = True
        self._scanned, self._found = 0, 0
        """Bytes of the next block that hold no more than some of its lines, and how many."""

    def end(self, held: bytearray, start: int, cut: int, *, at_least: bool) -> tuple[int, int]:
        """Where the block that begins at ``start`` ends, and its lines; -1 where that depends on what follows ``cut``.

        ``at_least``: it ends at ``cut`` then.
        """
        data = np.frombuffer(held, dtype=np.uint8)
        if self._wanted is None or self._is_first:
            self._is_first = False
            return cut, int(count_lines(data[start:cut]))
        wanted = self._wanted() - self._found
        end = end_of_lines(data, start + self._scanned, wanted)
        found = self._found + (wanted if end >= 0 else wanted + end)
        if end < 0 and not at_least and cut - start < MOST_CUT:
            self._scanned, self._found = len(held) - start, found
            return -1, 0
        self._scanned, self._found = 0, 0
        return cut if end < 0 else end, found


def without_long_lines(block: Block, too_long: Callable[[int, bytes], None]) -> Iterator[Block]:
    """Yield what is left of a block without the lines over MAX_LINE, each told to ``too_long``."""
    data = block.data
    window = MAX_LINE // 2
    start = 0
    at = 0
    # A line over MAX_LINE covers one whole window at least, wherever it lies.
    while at + window <= len(data):
        if data.find(b"\n", at, at + window) >= 0:
            at += window
            continue
        first = data.rfind(b"\n", start, at) + 1 or start
        end = data.find(b"\n", at) + 1
        if end - 1 - first > MAX_LINE:
            if first > start:
                yield block.part(start, first)
            too_long(block.line + data.count(b"\n", 0, first), data[first : first + MAX_LINE])
            start = end
        at = end
    if start == 0:
        yield block
    elif start < len(data):
        yield block.part(start, len(data))


def newlines(data: bytes) -> int:
    """How many there are; ``bytes.count`` takes far longer."""
    return int(count_lines(np.frombuffer(data, dtype=np.uint8)))


def line_starts(data: bytes, start: int) -> npt.NDArray[np.int64]:
    """Where in ``data`` the lines from ``start`` on begin; the last is the end."""
    newlines = np.flatnonzero(np.frombuffer(data, dtype=np.uint8, offset=start) == _NEWLINE)
    starts = np.concatenate([[start], newlines + start + 1])
    return starts if data.endswith(b"\n") else np.append(starts, len(data))


def line_at(data: bytes, start: int) -> bytes:
    """The line that begins there, without its newline."""
    end = data.find(b"\n", start)
    return data[start : end if end >= 0 else None]
