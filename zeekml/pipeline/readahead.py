"""Reads ahead in a thread, so that decompressing and parsing overlap with scoring.

The queue is bounded: a reader that is faster than the model waits, and memory stays flat.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Final, Generic, Self, TypeVar

T = TypeVar("T")

_POLL: Final = 0.1
"""Seconds after which who waits for room, or for an item, looks whether anybody still wants one."""

_GRACE: Final = 2.0
"""Seconds that a reader gets to end when nobody wants its items any more. One that waits for standard input
can wait for ever; it is left behind (see left_behind), and ends with the process."""

_NAME: Final = "zeekml-reader"


class _End:
    """Follows the last item; carries the error that ended the reading, if one did."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class ReadAhead(Generic[T]):
    """The same items in the same order, read from now on by a thread that is at most ``depth`` items ahead.

    An error of ``items`` is raised after the items before it. Whoever does not take all of them closes it: that ends
    the thread and closes ``items`` before it returns.
    """

    def __init__(self, items: Iterator[T], depth: int = 2) -> None:
        self._items = items
        self._queue: queue.Queue[T | _End] = queue.Queue(maxsize=depth)
        self._unwanted = threading.Event()
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, name=_NAME, daemon=True)
        self._thread.start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        item = self._next()
        if not isinstance(item, _End):
            return item
        self.close()
        if item.error is not None:
            raise item.error
        raise StopIteration

    def wait(self, seconds: float) -> None:
        """Wait until an item is there, or all were read, or so long."""
        self._begun.wait(seconds)

    def _next(self) -> T | _End:
        """Waits for an item; another thread may close while it does."""
        while not self._unwanted.is_set():
            try:
                return self._queue.get(timeout=_POLL)
            except queue.Empty:
                continue
        return _End(None)

    def close(self) -> None:
        """Wants no further item."""
        self._unwanted.set()
        self._thread.join(timeout=_GRACE)

    def _run(self) -> None:
        end = _End(None)
        try:
            for item in self._items:
                if not self._put(item):
                    break
        except BaseException as error:  # handed to the thread that consumes, and raised there
            end = _End(error)
        finally:
            self._close_items()
        self._put(end)

    def _put(self, item: T | _End) -> bool:
        """Waits for room; False when nobody wants the item any more."""
        while not self._unwanted.is_set():
            try:
                self._queue.put(item, timeout=_POLL)
            except queue.Full:
                continue
            self._begun.set()
            return True
        return False

    def _close_items(self) -> None:
        """A generator closes its files here, in its own thread, not whenever it is collected."""
        if isinstance(self._items, Generator):
            with closing(self._items):
                pass


def left_behind() -> bool:
    """Whether a reader still waits for standard input though nobody wants its items any more.

    Python's orderly end would then abort: the reader holds the lock of standard input.
    """
    return any(thread.name == _NAME for thread in threading.enumerate())
