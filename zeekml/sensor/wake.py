"""Waits for something to happen to the logs: file events where the system has them, polling always."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from watchdog.events import (
    DirDeletedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

POLL = 1.0  # seconds
_BUSY = 0.05  # seconds between polls of a log that is being written
_BUSY_FOR = 1.0  # seconds after an event until events are waited for again
_EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    DirDeletedEvent,
]

_HARMLESS = ("called when the thread is inactive", "queue overflowed")

_log = logging.getLogger("zeekml.sensor")


def _matters(record: logging.LogRecord) -> bool:
    """Whether what watchdog logs is to be told: not that an event came while it was told to stop, nor that it lost
    events. Polling sees what events did not tell, and an error in the log would call somebody out of bed."""
    return not any(text in record.getMessage() for text in _HARMLESS)


class Wake:
    """``wait`` returns soon after a change in the folders, and after ``poll`` seconds in any case.

    A busy log makes thousands of events a second, of which one is enough: after an event the folders are
    polled for a second, and only then watched again.
    """

    def __init__(self, poll: float = POLL) -> None:
        self._poll = poll
        self._folders: frozenset[str] = frozenset()
        self._event = threading.Event()
        self._asked = threading.Event()
        self._busy_until = 0.0
        self._armed = False
        self._may_watch = True
        for name in ("watchdog.observers.inotify", "watchdog.observers.inotify_c"):
            logging.getLogger(name).addFilter(_matters)  # once, however often it is added
        self._observer = None if poll <= _BUSY else self._started_observer()

    @property
    def watching(self) -> bool:
        """Whether file events are used; otherwise there is polling alone."""
        return self._observer is not None and self._may_watch

    def watch(self, folders: Iterable[Path]) -> None:
        """Watch these folders from now on; costs nothing where they are the same."""
        wanted = frozenset(os.path.realpath(folder) for folder in folders)
        if wanted != self._folders:
            self._disarm()
            self._folders = wanted

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a change, for ``wake``, or for the time to poll; whether it was one of the first two."""
        longest = self._poll if timeout is None else min(timeout, self._poll)
        if self._asked.is_set():
            self._asked.clear()
            return True
        if time.monotonic() < self._busy_until:
            happened = self._asked.wait(min(_BUSY, longest))
            self._asked.clear()
            return happened
        if self._observer is not None and self._may_watch and not self._armed:
            self._arm(self._observer)
            # What happened since the last poll gave no event.
            return True
        happened = self._event.wait(longest)
        if happened:
            self._event.clear()
            if self._asked.is_set():
                self._asked.clear()
            else:
                self._busy_until = time.monotonic() + _BUSY_FOR
                self._disarm()
        return happened

    def wake(self) -> None:
        """End the wait, now or next; may be called from signal handlers and other threads."""
        self._asked.set()
        self._event.set()

    def close(self) -> None:
        """Stop watching."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _started_observer(self) -> BaseObserver | None:
        try:
            observer = Observer()
            observer.start()
        except OSError as error:
            self._poll_only(error)
            return None
        return observer

    def _arm(self, observer: BaseObserver) -> None:
        self._event.clear()
        handler = _Handler(self._event)
        try:
            for folder in self._folders:
                with contextlib.suppress(FileNotFoundError):  # not there, or no more: polling finds out
                    observer.schedule(handler, folder, event_filter=_EVENTS)
        except OSError as error:
            self._may_watch = False
            self._poll_only(error)
            self._disarm()
        else:
            self._armed = True

    def _disarm(self) -> None:
        if self._observer is not None:
            self._observer.unschedule_all()
        self._armed = False

    def _poll_only(self, error: OSError) -> None:
        _log.warning(
            "file events are not to be had (%s); polling every %g s instead. More of them: "
            "fs.inotify.max_user_instances and fs.inotify.max_user_watches.",
            error.strerror or error,
            self._poll,
        )


class _Handler(FileSystemEventHandler):
    def __init__(self, event: threading.Event) -> None:
        self._event = event

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Wake for all but hidden files, such as Zeek's ``.shadow.`` files."""
        name = event.src_path if isinstance(event.src_path, str) else event.src_path.decode(errors="replace")
        if event.is_directory or not Path(name).name.startswith("."):
            self._event.set()
