"""The bytes of a stream that wait until their lines are whole, in memory that is used again and again.

Fresh memory for every block of some megabytes costs as much as reading it: the system clears each page of it first.
"""

from __future__ import annotations

import contextlib

_NEWLINE = b"\n"


class Held:
    """Bytes in the order in which they came; views of them are lent and want to be handed back.

    What somebody still looks into stays as it is, such as an array over a view that was handed back: the memory is left
    to it then, and other memory used.
    """

    def __init__(self) -> None:
        self._memory = bytearray()
        self._begin, self._end = 0, 0

    def __len__(self) -> int:
        return self._end - self._begin

    def add(self, piece: bytes) -> None:
        """Hold these bytes as well."""
        if self._end + len(piece) > len(self._memory):
            self._make_room(len(piece))
        # Through a view, as a bytearray copies what is assigned to it twice.
        memoryview(self._memory)[self._end : self._end + len(piece)] = piece
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
        return self._memory.endswith(text, self._begin, self._end)

    def _make_room(self, more: int) -> None:
        """Room for ``more`` bytes: what is held moves to the front, or to the front of other memory.

        That is taken where less than half would be free, or somebody still looks into this.
        """
        held, memory = len(self), self._memory
        if 2 * (held + more) > len(memory) or self._is_looked_into():
            memory = bytearray(3 * (held + more))
        memoryview(memory)[:held] = self.view()
        self._memory, self._begin, self._end = memory, 0, held

    def _is_looked_into(self) -> bool:
        """Whether there are views of the memory: a bytearray that has any cannot be made shorter."""
        last = self._memory[-1:]
        try:
            del self._memory[-1:]
        except BufferError:
            return True
        self._memory += last
        return False
