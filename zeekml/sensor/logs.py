"""All logs that are followed at once: those named, and those that stand or appear in folders."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from zeekml.errors import FormatError, InputError
from zeekml.records import BATCH_ROWS, Batch, LogFile, Rejects
from zeekml.records.discover import look, shown
from zeekml.records.rotation import rotation
from zeekml.sensor.follow import SETTLE, LogFollower
from zeekml.sensor.position import Position

_RESCAN = 1.0  # seconds between looks for new logs in folders
_LIVE = "current"  # zeekctl's link to where the open logs are

_Seen = tuple[int, int, int]


class FollowedLogs:
    """Follows every log at or below ``paths``, by streams named as ``discover`` names them.

    ``positions`` are those to go on from; a stream without one begins at ``start``. In a folder, hidden files and logs
    that are no connection logs are passed over; a log that appears there later is read from its start.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        start: Literal["start", "end"],
        positions: Mapping[str, Position] | None = None,
        rejects: Rejects,
        archives: Sequence[Path] = (),
        settle: float = SETTLE,
    ) -> None:
        self._paths = tuple(paths)
        self._rejects = rejects
        self._archives = tuple(archives)
        self._settle = settle
        self._followers: dict[str, LogFollower] = {}
        self._kept = dict(positions or {})
        self._judged: dict[Path, _Seen] = {}
        self._turn = 0
        self._scan(start)

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
            self._scan("start")
        batches: list[Batch] = []
        left = most_rows
        followers = list(self._followers.values())
        self._turn += 1
        for place in range(len(followers)):
            follower = followers[(self._turn + place) % len(followers)]
            # A busy log leaves to each of the others its share.
            share = max(1, left // (len(followers) - place))
            taken = follower.poll(share)
            left = max(1, left - sum(len(batch.frame) for batch in taken))
            batches += taken
        return batches

    def close(self) -> None:
        """Let go of all files."""
        for follower in self._followers.values():
            follower.close()

    def _scan(self, start: Literal["start", "end"]) -> None:
        self._scanned = time.monotonic()
        for path in self._paths:
            found = self._in_folder(path) if path.is_dir() else [path]
            for live in found:
                stream = shown(rotation(os.path.normpath(live)).stem)
                if stream not in self._followers and not self._is_followed(live):
                    self._followers[stream] = LogFollower(
                        live,
                        stream,
                        start=self._kept.get(stream, start),
                        rejects=self._rejects,
                        archives=self._archives,
                        settle=self._settle,
                    )

    def _is_followed(self, live: Path) -> bool:
        """Whether a log is followed already under another name: through a link, or by another spelling."""
        place = _place(live)
        for follower in self._followers.values():
            if place == _place(follower.path):
                return True
            with contextlib.suppress(OSError):  # one of them is not there yet
                if live.samefile(follower.path):
                    return True
        return False

    def _in_folder(self, folder: Path) -> Iterator[Path]:
        """The live logs below a folder, and the places of those of which only rotated files are there."""
        followed = {one.path for one in self._followers.values()}
        rotated: dict[Path, Path] = {}
        live: set[Path] = set()
        for path in _files(folder):
            turned = rotation(path.name)
            if turned.moment is None and not turned.number:
                if path in followed or self._is_connection_log(path):
                    live.add(path)
                    yield path
            else:
                rotated[path.with_name(Path(turned.stem).name)] = path
        for place, newest in rotated.items():
            if (
                place not in live
                and not place.exists()
                and (place in followed or self._is_connection_log(newest))
            ):
                yield place

    def _is_connection_log(self, path: Path) -> bool:
        """Look at a file once, and again when it is another or had too little in it to tell."""
        try:
            state = path.stat()
            seen = (state.st_dev, state.st_ino, min(state.st_size, 1 << 20))
            if self._judged.get(path) == seen:
                return False
            self._judged[path] = seen
            look(LogFile(path, shown(path)))
        except (FormatError, OSError):
            return False
        except InputError:
            # No right to read it: one that is called as a connection log is followed, and the problem told.
            return path.name.startswith(("conn", "eve"))
        return True


def _place(path: Path) -> Path:
    """Where a log lies or will lie: links among the folders are followed, the last part is taken as it is."""
    return Path(os.path.realpath(path.parent)) / path.name


def _files(folder: Path) -> Iterator[Path]:
    """The files below a folder, sorted; folders by date hold rotated files only and are left out."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: (entry.is_symlink(), entry.name))
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = Path(entry.path)
        if not entry.is_dir():
            yield path
        elif rotation(f"{entry.name}/x").moment is None and (entry.name == _LIVE or not entry.is_symlink()):
            yield from _files(path)
