"""Carries alerts from the outbox to the sinks: a thread for each, so that one that is slow or down holds up
neither the others nor the scoring. What a sink did not take is given to it again, later and later."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from zeekml.errors import OutputError, SinkError
from zeekml.sinks.outbox import Cursor, Outbox
from zeekml.sinks.sink import Sink

FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 300.0
"""Seconds between tries: the first, doubled with each failure, up to the longest; each varied by a fifth."""


@dataclass(frozen=True, slots=True)
class SinkStatus:
    """One sink: bytes of alerts that wait, alerts taken and failures since the start, the failure that it is
    in, and seconds to the next try (None: not in one)."""

    name: str
    waiting: int
    delivered: int
    errors: int
    last_error: str | None
    retry_in: float | None


class Deliveries:
    """The sinks of a run. A sink that is new begins with the alerts made from now on."""

    def __init__(
        self,
        sinks: Sequence[Sink],
        outbox: Outbox,
        on_error: Callable[[str, OutputError], None],
        *,
        first_wait: float = FIRST_WAIT,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        """``on_error``: told a sink's name and failure, in that sink's thread. Raises OutputError."""
        names = [sink.name for sink in sinks]
        for name in names:
            if outbox.cursor(name) is None:
                outbox.move(name, outbox.end())
        outbox.tidy(names)
        self._couriers = [
            _Courier(sink, outbox, names, on_error, _Waits(first_wait, longest_wait)) for sink in sinks
        ]

    def start(self) -> None:
        """Begin to deliver, with what still waits from a former run."""
        for courier in self._couriers:
            courier.start()

    def wake(self) -> None:
        """Say that there are new alerts."""
        for courier in self._couriers:
            courier.wake()

    def close(self, timeout: float) -> None:
        """Try once more what waits, within ``timeout`` seconds for all sinks; the rest waits in the outbox."""
        until = time.monotonic() + timeout
        for courier in self._couriers:
            courier.stop()
        for courier in self._couriers:
            courier.join_until(until)

    def status(self) -> list[SinkStatus]:
        """Every sink, in their order."""
        return [courier.status() for courier in self._couriers]


class _Waits:
    """How long to wait after each failure in a row, s."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def after_failure(self) -> float:
        wait = self._next
        self._next = min(2.0 * wait, self._longest)
        return wait * random.uniform(0.8, 1.2)  # noqa: S311  spreads sensors, guards nothing

    def after_success(self) -> None:
        self._next = self._first


class _Courier:
    """One sink's thread."""

    def __init__(
        self,
        sink: Sink,
        outbox: Outbox,
        names: Sequence[str],
        on_error: Callable[[str, OutputError], None],
        waits: _Waits,
    ) -> None:
        self._sink = sink
        self._outbox = outbox
        self._names = names
        self._on_error = on_error
        self._waits = waits
        self._cursor = self._saved = outbox.cursor(sink.name) or Cursor(1, 0)
        self._changed = threading.Condition()
        self._new = True
        self._stopping = False
        self._delivered = 0
        self._errors = 0
        self._last_error: str | None = None
        self._retry_at: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"sink-{sink.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        with self._changed:
            self._new = True
            self._changed.notify()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def join_until(self, until: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(max(0.0, until - time.monotonic()))

    def status(self) -> SinkStatus:
        retry_in = None if self._retry_at is None else max(0.0, self._retry_at - time.monotonic())
        return SinkStatus(
            self._sink.name,
            self._outbox.waiting(self._cursor),
            self._delivered,
            self._errors,
            self._last_error,
            retry_in,
        )

    def _run(self) -> None:
        while True:
            with self._changed:
                self._new, last = False, self._stopping
            self._deliver_all()
            if last:
                break
            self._rest()
        self._sink.close()

    def _deliver_all(self) -> None:
        """Give the sink all that waits, until it fails; the cursor moves with what it took."""
        try:
            while True:
                records, cursor = self._outbox.read(self._cursor, self._sink.most)
                if records:
                    self._sink.deliver(records)
                before, self._cursor = (
                    self._cursor,
                    cursor,
                )  # also where the disk is full: once taken is enough
                self._delivered += len(records)
                if self._saved != cursor:
                    self._outbox.move(self._sink.name, cursor)
                    self._saved = cursor
                if cursor == before:
                    break
                if cursor.file != before.file:
                    self._outbox.tidy(self._names)
        except (OutputError, OSError) as error:
            self._failed(error)
        else:
            self._waits.after_success()
            self._last_error = self._retry_at = None

    def _failed(self, error: OutputError | OSError) -> None:
        told = error if isinstance(error, OutputError) else SinkError(f"{self._sink.name}: {error}")
        self._errors += 1
        self._last_error = str(told)
        self._retry_at = time.monotonic() + self._waits.after_failure()
        self._on_error(self._sink.name, told)

    def _rest(self) -> None:
        """Until there are new alerts, or after a failure until the next try, or until the end."""
        with self._changed:
            if self._retry_at is None:
                self._changed.wait_for(lambda: self._new or self._stopping)
                return
            while not self._stopping and (left := self._retry_at - time.monotonic()) > 0:
                self._changed.wait(left)
