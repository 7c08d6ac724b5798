"""Several logs followed at once, in which a new one is found at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from tests.sensor.following import numbers
from zeekml.records import Rejects
from zeekml.sensor import Archive, FollowedLogs, Position

OPEN: list[FollowedLogs] = []  # closed after each test


class Several(FollowedLogs):
    """Logs in which a new one is found at once."""

    def __init__(
        self,
        *paths: Path,
        start: Literal["start", "end"] = "start",
        positions: dict[str, Position] | None = None,
        archives: Sequence[Archive] = (),
    ) -> None:
        super().__init__(
            paths, start=start, positions=positions, rejects=Rejects(), archives=archives, settle=0.0
        )
        OPEN.append(self)

    def take(self, most_rows: int = 100) -> dict[str, list[int]]:
        """Poll until all is caught up: numbers by the stream's last part."""
        return self._taken(lambda stream: stream.name, most_rows)

    def take_by_stream(self) -> dict[str, list[int]]:
        """The same by the folder of the stream."""
        return self._taken(lambda stream: stream.parent.name, 100)

    def _taken(self, part: Callable[[Path], str], most_rows: int) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for _ in range(200):
            self._scanned = -10.0
            for batch in self.poll(most_rows):
                found.setdefault(part(Path(batch.stream)), []).extend(numbers([batch]))
            if self.caught_up:
                break
        return found
