"""A follower that keeps what it was given, and can be stopped and started anew from its position."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from zeekml.records import Batch, Reject, Rejects
from zeekml.sensor import LogFollower, Position


def numbers(batches: Sequence[Batch]) -> list[int]:
    """The numbers of the connections, from their uids."""
    return [int(uid.removeprefix("C")) for batch in batches for uid in batch.frame["uid"]]


OPEN: list[Following] = []  # closed after each test


class Following:
    """Polls and restarts; ``taken`` are the numbers of the connections in the order in which they came."""

    def __init__(
        self,
        path: Path,
        start: Literal["start", "end"] = "start",
        *,
        settle: float = 0.0,
        archives: Sequence[Path] = (),
    ) -> None:
        self.path = path
        self.taken: list[int] = []
        self.rejected: list[Reject] = []
        self.batches: list[Batch] = []
        self._settle = settle
        self._archives = archives
        self.follower = self._new(start)
        OPEN.append(self)

    def poll(self, most_rows: int = 65_536) -> list[int]:
        """Poll once; what came."""
        batches = self.follower.poll(most_rows)
        assert sum(len(batch.frame) for batch in batches) <= most_rows
        found = numbers(batches)
        self.batches += batches
        self.taken += found
        return found

    def drain(self, most_rows: int = 65_536) -> list[int]:
        """Poll until all that is there was taken."""
        found: list[int] = []
        end = time.monotonic() + 10
        while time.monotonic() < end:
            found += self.poll(most_rows)
            if self.follower.caught_up:
                return found
        raise AssertionError("never caught up")

    def restart(self) -> None:
        """Go on in a new follower from the position, as it was written down."""
        written = json.dumps(self.follower.position.to_json())
        self.follower.close()
        self.follower = self._new(Position.from_json(json.loads(written)))

    def stop(self) -> None:
        """Be down until ``restart``: nothing is held open."""
        self.follower.close()

    def _new(self, start: Position | Literal["start", "end"]) -> LogFollower:
        return LogFollower(
            self.path,
            "conn",
            start=start,
            rejects=Rejects(self.rejected.append),
            archives=self._archives,
            settle=self._settle,
        )
