"""Cuts a byte stream into blocks of whole lines, in bounded memory whatever the stream holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from zeekml.errors import TruncatedError
from zeekml.records.compression import Straight
from zeekml.records.held import Held
from zeekml.records.kernels.tsv import count_lines, end_of_lines

MAX_LINE = 1 << 20  # bytes; no connection is written longer
MOST_CUT = 16 << 20  # bytes, about, of a block that is cut to a number of lines
_NEWLINE = ord("\n")
_BOM = b"\xef\xbb\xbf"
_ENDS = re.compile(rb"\n")
_HEADER = re.compile(rb"(?:#[^\n]*\n){0,64}")  # Zeek's has eight; more is no header that is to be made up for
_TELLING = 100  # lines of a first block, at least: the format is told by them
_LINE = re.compile(rb"[^\n]*")

Content: TypeAlias = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines. Only the last line of a stream may lack its newline.

    ``line`` is the number of the first line (from 1), ``offset`` its place in the content (bytes).
    """

    data: Content
    line: int
    offset: int

    def beginning(self, size: int) -> bytes:
        """The first ``size`` bytes, and what is behind them in their last line."""
        found = _ENDS.search(self.data, size)
        return bytes(self.data[: found.end() if found else len(self.data)])

    def part(self, start: int, stop: int) -> Block:
        """The lines in ``data[start:stop]``, both at line starts."""
        return Block(self.data[start:stop], self.line + newlines(self.data[:start]), self.offset + start)

    def lines(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield (line number, offset, line without its newline)."""
        number, offset = self.line, self.offset
        for line in split_lines(self.data):
            yield number, offset, line
            number += 1
            offset += len(line) + 1


def line_blocks(
    pieces: Iterator[bytes | Straight],
    too_long: Callable[[int, bytes], None],
    wanted: Callable[[], int] | None = None,
) -> Iterator[Block]:
    """Yield blocks of whole lines; NUL bytes and a byte order mark before the first line are skipped.

    ``too_long(line number, its beginning)`` is called for each line over MAX_LINE, which is then left out.
    What follows the last newline is the last block, without newline. A block has what a piece has; where ``wanted``
    says how many lines (1 or more) are needed next, it has as many, Zeek's first header lines not counted, or about
    MOST_CUT bytes; the first block has enough to tell the format by. A block's data is lent: it is good until the next
    one is asked for. A TruncatedError of ``pieces`` is raised after all whole lines.
    """
    line, offset = 1, 0
    held = Held()
    skipping = False
    at_start = True
    cutter = _Cutter(wanted)
    failure: list[TruncatedError] = []
    for _ in _fed(held, pieces, failure):
        if at_start:
            begun = _start_of(held.view())
            if begun < 0:
                continue
            at_start = begun == len(held) and not held.ends_with(_BOM)
            offset += begun
            held.drop(begun)
        if skipping:
            end = held.first_end()
            offset += end or len(held)
            held.drop(end or len(held))
            if not end:
                continue
            line += 1
            skipping = False
        cut = held.last_end()
        is_long = len(held) - cut > MAX_LINE
        while cut:
            end, lines = cutter.end(held.view(), cut, at_least=is_long)
            if end < 0:
                break
            whole = Block(held.lend(end), line, offset)
            yield from _lent(held, without_long_lines(whole, too_long))
            line += lines
            offset += end
            cut -= end
        if is_long:
            too_long(line, bytes(held.view()[:MAX_LINE]))
            offset += len(held)
            held.drop(len(held))
            skipping = True
    if cut := held.last_end():
        whole = Block(held.lend(cut), line, offset)
        line += newlines(whole.data)
        offset += cut
        yield from _lent(held, without_long_lines(whole, too_long))
    if held and not failure:
        yield Block(bytes(held.view()), line, offset)
    for error in failure:
        raise error


def _fed(held: Held, pieces: Iterator[bytes | Straight], failure: list[TruncatedError]) -> Iterator[None]:
    """Hold one piece more each time; that there are no more though there should be goes to ``failure``."""
    try:
        for piece in pieces:
            held.add(piece)
            yield
    except TruncatedError as error:
        failure.append(error)


def _lent(held: Held, blocks: Iterator[Block]) -> Iterator[Block]:
    """The blocks; the data of each is handed back when the next is asked for."""
    for block in blocks:
        yield block
        if isinstance(block.data, memoryview):
            held.hand_back(block.data)


def _start_of(held: memoryview) -> int:
    """Where the first line begins, -1 where that depends on what follows.

    An outside truncation of an open log leaves NUL bytes up to Zeek's old offset.
    """
    nuls = len(held) - len(bytes(held).lstrip(b"\0"))
    first = bytes(held[nuls : nuls + len(_BOM)])
    if first == _BOM:
        return nuls + len(_BOM)
    return -1 if first and _BOM.startswith(first) else nuls


class _Cutter:
    """Cuts off as many lines as are wanted; all that is there where nobody says how many."""

    def __init__(self, wanted: Callable[[], int] | None) -> None:
        self._wanted = wanted
        self._is_first = True
        self._scanned, self._found = 0, 0
        """Bytes of the next block that hold no more than some of its lines, and how many."""

    def end(self, held: memoryview, cut: int, *, at_least: bool) -> tuple[int, int]:
        """Where the block at the start of what is held ends, and its lines; -1 where that depends on what follows
        ``cut``, the end of its last line.

        ``at_least``: it ends at ``cut`` then.
        """
        data = np.frombuffer(held, dtype=np.uint8)
        if self._wanted is None:
            return cut, int(count_lines(data[:cut]))
        wanted = self._wanted()
        if self._is_first:
            header = _HEADER.match(held)
            wanted = max(wanted, _TELLING) + (header.group().count(b"\n") if header else 0)
        wanted -= self._found
        end = end_of_lines(data, self._scanned, wanted)
        found = self._found + (wanted if end >= 0 else wanted + end)
        if end < 0 and not at_least and cut < MOST_CUT:
            self._scanned, self._found = len(held), found
            return -1, 0
        self._scanned, self._found, self._is_first = 0, 0, False
        return cut if end < 0 else end, found


def without_long_lines(block: Block, too_long: Callable[[int, bytes], None]) -> Iterator[Block]:
    """Yield what is left of a block without the lines over MAX_LINE, each told to ``too_long``."""
    data = block.data
    window = MAX_LINE // 2
    start = 0
    at = 0
    # A line over MAX_LINE covers one whole window at least, wherever it lies.
    while at + window <= len(data):
        if _ENDS.search(data, at, at + window):
            at += window
            continue
        # The window before had an end of a line, or this is the first.
        before = max(start, at - window)
        first = before + bytes(data[before:at]).rfind(b"\n") + 1
        found = _ENDS.search(data, at)
        end = found.end() if found else 0
        if end - 1 - first > MAX_LINE:
            if first > start:
                yield block.part(start, first)
            too_long(block.line + newlines(data[:first]), bytes(data[first : first + MAX_LINE]))
            start = end
        at = end
    if start == 0:
        yield block
    elif start < len(data):
        yield block.part(start, len(data))


def newlines(data: Content) -> int:
    """How many there are; ``bytes.count`` takes far longer."""
    return int(count_lines(np.frombuffer(data, dtype=np.uint8)))


def split_lines(data: Content) -> list[bytes]:
    """The lines in ``data``, without their newlines."""
    lines = bytes(data).split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def line_starts(data: Content, start: int) -> npt.NDArray[np.int64]:
    """Where in ``data`` the lines from ``start`` on begin; the last is the end."""
    newlines = np.flatnonzero(np.frombuffer(data, dtype=np.uint8, offset=start) == _NEWLINE)
    starts = np.concatenate([[start], newlines + start + 1])
    return starts if data[-1:] == b"\n" else np.append(starts, len(data))


def line_at(data: Content, start: int) -> bytes:
    """The line that begins there, without its newline."""
    found = _LINE.match(data, start)
    return found[0] if found else b""
