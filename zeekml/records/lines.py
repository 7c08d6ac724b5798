"""Cuts a byte stream into blocks of whole lines, in bounded memory whatever the stream holds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MAX_LINE = 1 << 20  # bytes; no connection is written longer
MOST_CUT = 16 << 20  # bytes, about, of a block that is cut to a number of lines
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


def line_blocks(pieces: Iterator[bytes], too_long: Callable[[int, bytes], None]) -> Iterator[Block]:
    """Yield blocks of whole lines; NUL bytes and a byte order mark before the first line are skipped.

    ``too_long(line number, its beginning)`` is called for each line over MAX_LINE, which is then left out.
    What follows the last newline is the last block, without newline.
    """
    line, offset = 1, 0
    tail = b""
    skipping = False
    at_start = True
    for piece in pieces:
        data = tail + piece
        tail = b""
        if at_start:
            # An outside truncation of an open log leaves NUL bytes up to Zeek's old offset.
            stripped = data.lstrip(b"\0")
            if not stripped:
                offset += len(data)
                continue
            if stripped != _BOM and _BOM.startswith(stripped):
                tail = data
                continue
            stripped = stripped.removeprefix(_BOM)
            offset += len(data) - len(stripped)
            data = stripped
            at_start = False
        if skipping:
            end = data.find(b"\n") + 1
            if not end:
                offset += len(data)
                continue
            data = data[end:]
            offset += end
            line += 1
            skipping = False
        cut = data.rfind(b"\n") + 1
        whole, tail = Block(data[:cut], line, offset), data[cut:]
        if cut:
            line += whole.data.count(b"\n")
            offset += cut
            yield from without_long_lines(whole, too_long)
        if len(tail) > MAX_LINE:
            too_long(line, tail[:MAX_LINE])
            offset += len(tail)
            tail = b""
            skipping = True
    if tail:
        yield Block(tail, line, offset)


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


def cut_to_lines(blocks: Iterator[Block], wanted: Callable[[], int]) -> Iterator[Block]:
    """Cut blocks anew, so that each has the number of lines that are wanted then, or about MOST_CUT bytes.

    The first block, which tells the format, keeps what it has and is not cut.
    """
    # Not for those that read no log at all: numba takes long to load.
    from zeekml.records.kernels.tsv import end_of_lines  # noqa: PLC0415

    yield from itertools.islice(blocks, 1)
    held = Block(b"", 0, 0)
    for block in blocks:
        if held.data and held.offset + len(held.data) != block.offset:
            yield held  # a line that was too long is left out here
            held = block
        elif held.data:
            held = Block(held.data + block.data, held.line, held.offset)
        else:
            held = block
        raw = np.frombuffer(held.data, dtype=np.uint8)
        start, line = 0, held.line
        while (end := end_of_lines(raw, start, count := wanted())) >= 0:
            yield Block(held.data[start:end], line, held.offset + start)
            start = end
            line += count
        held = Block(held.data[start:], line, held.offset + start)
        if len(held.data) >= MOST_CUT:
            yield held
            held = Block(b"", 0, 0)
    if held.data:
        yield held


def line_starts(data: bytes, start: int) -> npt.NDArray[np.int64]:
    """Where in ``data`` the lines from ``start`` on begin; the last is the end."""
    newlines = np.flatnonzero(np.frombuffer(data, dtype=np.uint8, offset=start) == ord("\n"))
    starts = np.concatenate([[start], newlines + start + 1])
    return starts if data.endswith(b"\n") else np.append(starts, len(data))
