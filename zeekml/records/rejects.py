"""What could not be read: counted always, shown to a sink when there is one, never kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter

from zeekml.records.escapes import printable

MAX_SHOWN = 512  # bytes of a rejected line that are shown
MAX_COUNTED = 10_000  # different (source, reason) pairs; what comes after is counted under OTHERS
OTHERS = "(other files)"


@dataclass(frozen=True, slots=True)
class Reject:
    """One line that could not be read. ``text`` is escaped and at most a few hundred characters long."""

    source: str
    line: int
    reason: str
    text: str


class Rejects:
    """Counts rejected lines by source and reason; memory does not grow with their number.

    ``sink`` is called with every :class:`Reject`, in order, by the thread that reads. ``passed_over`` counts
    lines that are neither connections nor damage: blank lines, other events, other logs in a mixed stream.
    ``without_flows`` names the Suricata logs read to their end in which no event was a ``flow``.
    """

    def __init__(self, sink: Callable[[Reject], None] | None = None) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.total = 0
        self.passed_over = 0
        self.without_flows: list[str] = []
        self._sink = sink

    def add(self, source: str, line: int, reason: str, raw: bytes) -> None:
        """Count line number ``line`` (from 1) of ``source``; ``raw`` is the line or its beginning."""
        self.total += 1
        key = (source, reason)
        if key not in self.counts and len(self.counts) >= MAX_COUNTED:
            key = (OTHERS, reason)
        self.counts[key] += 1
        if self._sink is not None:
            text = printable(raw[:MAX_SHOWN]) + ("..." if len(raw) > MAX_SHOWN else "")
            self._sink(Reject(source, line, reason, text))

    @contextmanager
    def by_line(self) -> Iterator[None]:
        """Show what is added meanwhile at the end, by line: the lines of a block may be looked at more than once."""
        sink = self._sink
        if sink is None:
            yield
            return
        added: list[Reject] = []
        self._sink = added.append
        try:
            yield
        finally:
            self._sink = sink
            for reject in sorted(added, key=attrgetter("line")):
                sink(reject)

    def by_reason(self) -> Counter[str]:
        """Rejected lines by reason, all sources together."""
        reasons: Counter[str] = Counter()
        for (_, reason), count in self.counts.items():
            reasons[reason] += count
        return reasons
