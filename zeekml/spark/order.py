"""Results put in log order: which task does it for which lines, and how it joins them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from operator import attrgetter
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from zeekml.arrow import of_numbers
from zeekml.spark import spool
from zeekml.spark.aside import Aside, Buffer, taken
from zeekml.spark.parcels import STREAM_END, Kinds, Lines, Parcel

STRETCH: Final = 1 << 17
"""Lines of a part whose results are joined at once; whoever looks holds about so many lines of zeekml.log."""
_STRETCHES_A_LANE: Final = 4
_CODEC: Final = "lz4"
_LENGTH: Final = 8
"""Bytes that a length takes."""
_MOST_LANES: Final = 10_000

LOG_ORDER: Final = attrgetter("stream", "part", "line", "kind", "seq")


@dataclass(frozen=True, slots=True)
class Lanes:
    """The tasks (lanes) that put results in order: each does it for lines that follow each other.

    ``starts``: by part, how many stretches of lines are thought to come before it, and at last how many there are.
    If there are more, the last lane of that part has more to do. ``last``: the last part of each stream.
    """

    starts: Sequence[int] = (0, 1)
    last: Sequence[int] = (0,)

    @classmethod
    def planned(cls, lines: Iterable[int], last: Sequence[int]) -> Lanes:
        """``lines``: how many each part is thought to have."""
        stretches = (max(1, -(-count // STRETCH)) for count in lines)
        return cls(tuple(accumulate(stretches, initial=0)), last)

    @property
    def count(self) -> int:
        """How many lanes there are."""
        return min(-(-self.starts[-1] // _STRETCHES_A_LANE), _MOST_LANES)

    def of(self, row: Parcel) -> int:
        """The lane of a result."""
        part = self.last[row.stream] if row.part == STREAM_END else row.part
        stretch = min(self.starts[part] + row.line // STRETCH, self.starts[part + 1] - 1)
        return stretch * self.count // self.starts[-1]


def stretches(parts: npt.NDArray[np.int32], lines: Lines) -> Iterator[tuple[int, int, slice]]:
    """Cut rows (N) that are in log order, by stretch: its part, its first line, and which rows are in it."""
    which = lines // STRETCH
    changes = np.flatnonzero((which[1:] != which[:-1]) | (parts[1:] != parts[:-1])) + 1
    edges = [0, *changes.tolist(), len(lines)]
    for start, stop in pairwise(edges):
        if start < stop:
            yield int(parts[start]), int(which[start]) * STRETCH, slice(start, stop)


def squeeze(text: Buffer, *, smaller: bool = True) -> list[Buffer]:
    """Text as it goes through Spark: to make it smaller costs less than to move it. Its length, and it compressed; 0,
    and it as it is."""
    if not smaller or not len(text):
        return [bytes(_LENGTH), text]
    return [_length(len(text)), bytes(pa.compress(text, codec=_CODEC, asbytes=True))]


def unsqueeze(data: Buffer) -> Buffer:
    """What `squeeze` made smaller."""
    size = int.from_bytes(data[:_LENGTH], "little")
    text = memoryview(data)[_LENGTH:]
    return bytes(pa.decompress(text, size, codec=_CODEC, asbytes=True)) if size else text


def pack_lines(
    lines: Lines, ends: npt.NDArray[np.int64], text: Buffer, *, smaller: bool = True
) -> list[Buffer]:
    """Lines of zeekml.log (N) as a result: the lines (N,) of the part that they are of, where each ends in ``text``."""
    return [_length(len(lines)), lines.tobytes(), ends.tobytes(), *squeeze(text, smaller=smaller)]


def join_lines(
    packed: Sequence[Buffer], cuts: Sequence[int] = (), *, smaller: bool = True
) -> list[list[Buffer]]:
    """What `pack_lines` packed, of any order, as the lines in order: those before the first cut, and from each on.

    The texts come out as `squeeze` makes them.
    """
    lines, sizes, texts = [], [], []
    for data in packed:
        count = int.from_bytes(data[:_LENGTH], "little")
        numbers = np.frombuffer(data, dtype=np.int64, count=2 * count, offset=_LENGTH)
        lines.append(numbers[:count])
        sizes.append(np.diff(numbers[count:], prepend=0))
        texts.append(unsqueeze(memoryview(data)[_LENGTH + numbers.nbytes :]))
    known = np.concatenate(lines)
    order = np.argsort(known, kind="stable")
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.concatenate(sizes))])
    text = texts[0] if len(texts) == 1 else b"".join(texts)
    array = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(order), [None, pa.py_buffer(starts), pa.py_buffer(text)]
    )
    _, offsets, data = array.take(of_numbers(order)).buffers()
    starts = np.frombuffer(offsets, dtype=np.int64)
    edges = [0, *starts[np.searchsorted(known[order], cuts)].tolist(), int(starts[len(order)])]
    return [squeeze(memoryview(data)[start:stop], smaller=smaller) for start, stop in pairwise(edges)]


def _length(size: int) -> bytes:
    return size.to_bytes(_LENGTH, "little")


def orders(folder: str | None = None) -> Callable[[Iterable[tuple[int, Parcel]]], Iterator[Parcel]]:
    """The function for ``mapPartitions``: the results of a lane in, `in_order` out; ``folder``: where lines are put
    aside."""

    def order(keyed: Iterable[tuple[int, Parcel]]) -> Iterator[Parcel]:
        return in_order((result for _, result in keyed), Aside(folder))

    return order


def in_order(results: Iterable[Parcel], aside: Aside | None = None) -> Iterator[Parcel]:
    """The results of a lane in log order. Lines of zeekml.log from one stretch become one row, and another from each
    mark on, since it is the driver that knows what stands."""
    aside = aside or Aside()
    marks: dict[tuple[int, int], list[int]] = defaultdict(list)
    following: dict[tuple[int, int, int], Sequence[Buffer]] = {}

    def seen() -> Iterator[Parcel]:
        for row in results:
            if row.kind == Kinds.MARK:
                marks[row.stream, row.part].append(row.line)
            yield row

    ordered = spool.in_order(seen(), LOG_ORDER)
    for where, rows in groupby(ordered, key=attrgetter("stream", "part", "line", "kind")):
        stream, part, line, kind = where
        if kind != Kinds.LOGGED:
            yield from rows
            if (pieces := following.pop((stream, part, line), None)) is not None:
                yield Parcel(0, stream, part, line, Kinds.LOGGED, 0, aside.put(*pieces))
            continue
        cuts = sorted(mark for mark in marks[stream, part] if line < mark < line + STRETCH)
        first, *others = join_lines([taken(row.data) for row in rows], cuts, smaller=aside.moves)
        following.update(zip(((stream, part, cut) for cut in cuts), others, strict=True))
        yield Parcel(0, stream, part, line, Kinds.LOGGED, 0, aside.put(*first))
