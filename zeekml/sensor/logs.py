"""All logs that are followed at once: those named, and those that stand or appear in folders."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from zeekml.errors import ConfigError, InputError
from zeekml.records import BATCH_ROWS, Batch, Rejects
from zeekml.records.discover import shown
from zeekml.sensor.archives import Archive, archives_of, shared_archive
from zeekml.sensor.finding import LogFinder
from zeekml.sensor.follow import SETTLE, LogFollower
from zeekml.sensor.places import is_same_log, stream_of
from zeekml.sensor.position import Position

_RESCAN = 1.0  # seconds between looks for new logs in folders

_log = logging.getLogger("zeekml.sensor")


class FollowedLogs:
    """Follows every log at or below ``paths``, by streams named as ``discover`` names them.

    ``positions`` are those to go on from, under whatever spelling of the path; a stream without one begins at
    ``start``. In a folder, hidden files and logs that are no connection logs are passed over; a log that appears there
    later is read from its start. ``archives`` are further folders where rotated files lie. Raises ConfigError where one
    of them cannot be told to belong to one log alone.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        start: Literal["start", "end"],
        positions: Mapping[str, Position] | None = None,
        rejects: Rejects,
        archives: Sequence[Archive] = (),
        settle: float = SETTLE,
    ) -> None:
        self._paths = tuple(paths)
        self._start = start
        self._rejects = rejects
        self._archives = tuple(archives)
        self._settle = settle
        self._finder = LogFinder([archive.folder for archive in archives])
        self._followers: dict[str, LogFollower] = {}
        self._kept = dict(positions or {})
        self._turn = 0
        self._all_new: Position | None = None
        appears_from = Position() if start == "start" else Position.nothing_before(time.time())
        try:
            self._scan()
        except ConfigError:
            self.close()
            raise
        self._all_new = appears_from

    @property
    def positions(self) -> dict[str, Position]:
        """Where each stream stands after the last poll; of streams whose log is gone, where it stood."""
        return {**self._kept, **{name: one.position for name, one in self._followers.items()}}

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams being followed."""
        return tuple(self._followers)

    @property
    def lag(self) -> dict[str, int]:
        """Bytes not taken yet, by stream."""
        return {name: one.lag_bytes for name, one in self._followers.items()}

    @property
    def lag_bytes(self) -> int:
        """Bytes not taken yet, of all streams."""
        return sum(self.lag.values())

    @property
    def caught_up(self) -> bool:
        """Whether the last poll took all that was there."""
        return all(one.caught_up for one in self._followers.values())

    @property
    def problems(self) -> dict[str, InputError]:
        """Logs that cannot be read just now, by path."""
        return {shown(one.path): one.problem for one in self._followers.values() if one.problem}

    def folders(self) -> set[Path]:
        """The folders whose changes matter."""
        found = {path for path in self._paths if path.is_dir()}
        for follower in self._followers.values():
            found |= follower.folders()
        return found

    def poll(self, most_rows: int = BATCH_ROWS) -> list[Batch]:
        """What is new in all logs, ``most_rows`` connections at most; the logs take turns in being first."""
        if time.monotonic() - self._scanned >= _RESCAN:
            self._scan()
        batches: list[Batch] = []
        left = most_rows
        followers = list(self._followers.values())
        self._turn += 1
        for place in range(len(followers)):
            follower = followers[(self._turn + place) % len(followers)]
            # A busy log leaves to each of the others its share.
            share = max(1, left // (len(followers) - place))
            taken = follower.poll(share)
            left = max(1, left - sum(len(batch) for batch in taken))
            batches += taken
        return batches

    def close(self) -> None:
        """Let go of all files."""
        for follower in self._followers.values():
            follower.close()

    def _scan(self) -> None:
        self._scanned = time.monotonic()
        for path in self._paths:
            followed = {one.path for one in self._followers.values()}
            for live in self._finder.find(path, followed, self._was_followed) if path.is_dir() else [path]:
                if any(is_same_log(live, one.path) for one in self._followers.values()):
                    continue
                stream = stream_of(live, self._not_followed())
                if stream not in self._followers:
                    self._follow(live, stream)

    def _follow(self, live: Path, stream: str) -> None:
        others = [one.path for one in self._followers.values()]
        if problem := shared_archive(live, others, self._archives):
            if self._all_new is None:
                raise ConfigError(problem)
            _log.error("%s Until then, the folder is used for neither.", problem)
            self._archives = tuple(one for one in self._archives if not one.is_for(live))
            for each in self._followers.values():
                each.look_in(archives_of(each.path, self._archives))
        self._followers[stream] = LogFollower(
            live,
            stream,
            start=self._kept.get(stream) or self._all_new or self._start,
            rejects=self._rejects,
            archives=archives_of(live, self._archives),
            settle=self._settle,
        )

    def _was_followed(self, live: Path) -> bool:
        kept = self._not_followed()
        return stream_of(live, kept) in kept

    def _not_followed(self) -> dict[str, Position]:
        return {name: kept for name, kept in self._kept.items() if name not in self._followers}
