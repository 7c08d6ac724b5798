"""The bytes of a stream that wait until their lines are whole, in memory that is used again and again."""

from __future__ import annotations

import contextlib
import mmap
from typing import Final

from zeekml.memory import Spare, fresh, is_looked_into
from zeekml.records.compression import Straight

_NEWLINE: Final = b"\n"
_LEAST: Final = 16 << 20
"""Bytes of memory at first: what nobody writes to takes none."""
_MOST_KEPT: Final = 4 * _LEAST
"""Bytes: more of them are not kept for the stream that comes next."""


class _Place:
    """Where bytes are held."""

    def __init__(self) -> None:
        self.memory: mmap.mmap = fresh(_LEAST)


_places: Final = Spare(
    _Place, lambda place: len(place.memory) <= _MOST_KEPT and not is_looked_into(place.memory)
)


class Held:
    """Bytes in the order in which they came; views of them are lent and want to be handed back.

    What somebody still looks into stays as it is, such as an array over a view that was handed back: the memory is left
    to it then, and other memory used.
    """

    def __init__(self) -> None:
        self._place = _places.lend(self)
        self._begin, self._end = 0, 0

    def __len__(self) -> int:
        return self._end - self._begin

    def add(self, piece: bytes | Straight) -> None:
        """Hold these bytes as well."""
        self._make_room(len(piece))
        with memoryview(self._memory) as whole, whole[self._end : self._end + len(piece)] as room:
            if isinstance(piece, Straight):
                self._end += piece.into(room)
            else:
                room[:] = piece
                self._end += len(piece)

    def view(self) -> memoryview:
        """All that is held, to be looked at at once: after `add` it may be something else."""
        return memoryview(self._memory).toreadonly()[self._begin : self._end]

    def lend(self, count: int) -> memoryview:
        """The first ``count`` bytes, which are held no longer; they stay until they are handed back."""
        lent = self.view()[:count]
        self.drop(count)
        return lent

    def hand_back(self, lent: memoryview) -> None:
        """Whoever had it needs it no longer; it cannot be looked into any more."""
        with contextlib.suppress(BufferError):  # somebody looks into it; its memory is not written to then
            lent.release()

    def drop(self, count: int) -> None:
        """Hold the first ``count`` bytes no longer."""
        self._begin += count

    def first_end(self) -> int:
        """Where the first line ends, behind its newline; 0 where no line is whole."""
        return max(self._memory.find(_NEWLINE, self._begin, self._end) + 1 - self._begin, 0)

    def last_end(self) -> int:
        """Where the last whole line ends, behind its newline; 0 where no line is whole."""
        return max(self._memory.rfind(_NEWLINE, self._begin, self._end) + 1 - self._begin, 0)

    def ends_with(self, text: bytes) -> bool:
        """Whether the last bytes are these."""
        return len(self) >= len(text) and self._memory[self._end - len(text) : self._end] == text

    @property
    def _memory(self) -> mmap.mmap:
        return self._place.memory

    def _make_room(self, more: int) -> None:
        """Room for ``more`` bytes: what is held moves to the front, or to the front of other memory.

        It moves where it overwrites only what is held no longer, so that little memory is ever written to.
        """
        held, memory = len(self), self._memory
        if self._begin >= max(held, 1) and not is_looked_into(self._memory):
            self._memory[:held] = self._memory[self._begin : self._end]
            self._begin, self._end = 0, held
        if self._end + more > len(memory):
            memory = fresh(max(2 * (held + more), _LEAST))
            with memoryview(memory) as new, self.view() as old:
                new[:held] = old
            self._place.memory, self._begin, self._end = memory, 0, held
