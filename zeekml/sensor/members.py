"""The rotated files of one log that are on disk, and the order in which they were written."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from zeekml.errors import InputError
from zeekml.records import LogFile
from zeekml.records.discover import began, shown
from zeekml.records.order import UNTOLD, Began, by_age
from zeekml.records.rotation import Rotation, rotation
from zeekml.sensor.content import open_content
from zeekml.sensor.identity import START

_LIVE = "current"  # zeekctl's link to where the open logs are, beside the folders by date
_DAY = timedelta(days=1)
_LOOKS = 5
_REMEMBERED = 10_000
_LEAST = {".gz": 18, ".zst": 9, ".zstd": 9}  # bytes: no whole file is smaller, be it of nothing
PATIENCE = 60.0  # seconds that a compressed file may stay without its end mark before it counts as damaged
PACKED = tuple(_LEAST)

Identity = tuple[int, int]
Link = list["Member"]
"""What is one file of the chain: a file, and the compressed copy that is being made of it."""


@dataclass(frozen=True, slots=True)
class Member:
    """A rotated file, or a file of the log's name elsewhere (``stray``), which only a position can lead to."""

    path: Path
    identity: Identity
    size: int
    modified: float
    turned: Rotation
    stray: bool

    @property
    def moment(self) -> datetime | None:
        """The rotation date in the name."""
        return self.turned.moment

    @property
    def is_packed(self) -> bool:
        """Whether the name says that the file is compressed."""
        return self.path.name.endswith(PACKED)

    def is_empty_archive(self) -> bool:
        """Whether this will be a compressed file and is none yet."""
        return self.size < _LEAST.get(self.path.suffix, 0)


class Members:
    """Looks at the files of the log at ``live``. ``archives``: further folders where rotated ones may lie."""

    def __init__(self, live: Path, archives: Sequence[Path] = ()) -> None:
        self.live = live
        self.archives = tuple(archives)
        self._began: dict[tuple[Identity, float], Began] = {}

    def folders(self) -> list[Path]:
        """The folders, each once, whose changes concern this log; some of the log's own may not exist."""
        return list(dict.fromkeys([*self._own_folders(), *self.archives]))

    def _own_folders(self) -> list[Path]:
        above = self.live.parent
        found = [above, Path(os.path.realpath(above)), Path(os.path.realpath(self.live)).parent]
        if above.name == _LIVE:
            found.append(above.parent)
        return found

    def live_stat(self) -> os.stat_result | None:
        """What the log's path leads to now, None where that is nothing."""
        try:
            found = self.live.stat()
        except OSError:
            return None
        return found if stat.S_ISREG(found.st_mode) else None

    def all(self, since: datetime | None = None, also: str = "") -> list[Member]:
        """All files of the log but the live one, in no order.

        Those dated more than a day before ``since`` are left out; ``also`` is a further path to look at. Raises
        InputError for a folder that cannot be listed: a chain with a hole in it is no chain.
        """
        found = self._look(since, also)
        for _ in range(_LOOKS):
            # Numbers shift while logrotate works: only what two looks agree on is an order.
            again = self._look(since, also)
            if {one.path: one.identity for one in again} == {one.path: one.identity for one in found}:
                break
            found = again
        return found

    def rotated(
        self, since: datetime | None = None, also: str = "", *, own: Identity | None = None
    ) -> list[Member]:
        """As ``all``, without what was begun ahead: files dated after the one to which a link leads, but ``own``."""
        # Asked first: when the link is switched meanwhile, then to a later one.
        live = self._live_moment()
        found = self.all(since, also)
        if live is None:
            return found
        return [one for one in found if one.identity == own or one.moment is None or one.moment <= live]

    def _live_moment(self) -> datetime | None:
        """The date of the file to which the log's path leads, where it is a link and the names there have dates."""
        turned = rotation(str(Path(*Path(os.path.realpath(self.live)).parts[-2:])))
        return turned.moment if Path(turned.stem).name == self.live.name else None

    def chain(self, members: Sequence[Member]) -> list[Link]:
        """The members in the order in which they were written, as ``zeekml score`` reads them; strays left out.

        Raises FileNotFoundError when they change meanwhile, BlockingIOError when one is just being made.
        """
        rotated = [one for one in members if not one.stray]
        chain: list[Link] = []
        for group in by_age(rotated, lambda one: one.turned, self._began_of):
            chain += self._links(group) if len(group) > 1 else [group]
        return chain

    def _links(self, group: list[Member]) -> list[Link]:
        """Files of one age: a file and the compressed copy of it, or, where they begin otherwise, several."""
        links: list[tuple[bytes, Link]] = []
        started = [(start_of(one), one) for one in sorted(group, key=lambda one: (one.is_packed, one.path))]
        # What is still empty is the copy of another, and alike to all.
        for start, one in sorted(started, key=lambda each: not each[0]):
            for known, copies in links:
                if start[: len(known)] == known[: len(start)]:
                    copies.append(one)
                    break
            else:
                links.append((start, [one]))
        found = [copies for _, copies in links]
        return sorted(found, key=lambda copies: self._began_of(copies[0])) if len(found) > 1 else found

    def _began_of(self, one: Member) -> Began:
        key = (one.identity, one.modified)
        if key not in self._began:
            if not os.path.exists(one.path):  # noqa: PTH110  (pathlib's may raise)
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(one.path))
            tells = began(LogFile(one.path, shown(one.path)))
            if tells[0] == UNTOLD and _is_being_packed(one):
                raise BlockingIOError(errno.EAGAIN, "is not whole yet", str(one.path))
            if len(self._began) >= _REMEMBERED:
                self._began.clear()
            self._began[key] = tells
        return self._began[key]

    def _look(self, since: datetime | None, also: str) -> list[Member]:
        live = self.live_stat()
        seen = {(live.st_dev, live.st_ino)} if live else set()
        floor = since - _DAY if since else datetime.min
        found: list[Member] = []
        for path, name, own in self._candidates(floor, also):
            turned = rotation(name)
            if turned.stem != self.live.name or (turned.moment or floor) < floor:
                continue
            try:
                state = path.stat()
            except OSError:
                continue  # renamed or compressed meanwhile: the next look finds it under its new name
            identity = (state.st_dev, state.st_ino)
            if not stat.S_ISREG(state.st_mode) or identity in seen:
                continue
            seen.add(identity)
            stray = turned.moment is None and not turned.number and not own
            found.append(Member(path, identity, state.st_size, state.st_mtime, turned, stray))
        return found

    def _candidates(self, floor: datetime, also: str) -> Iterator[tuple[Path, str, bool]]:
        """Paths, the parts of them that may carry a date, and whether they lie where the log does.

        Hidden files (Zeek's ``.shadow.``) are none.
        """
        own = set(self._own_folders())
        for folder in self.folders():
            for entry in _entries(folder, must_exist=folder not in own):
                day = rotation(f"{entry.name}/x").moment
                if day is None or not entry.is_dir():
                    yield Path(entry.path), entry.name, folder in own
                elif day.date() >= floor.date():
                    for inner in _entries(Path(entry.path)):
                        yield Path(inner.path), f"{entry.name}/{inner.name}", True
        if also and not Path(also).name.startswith("."):
            yield Path(also), Path(also).name, False


def _entries(folder: Path, *, must_exist: bool = False) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return [entry for entry in found if not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError) as error:
        if not must_exist:
            return []  # removed meanwhile
        raise InputError(
            f"{folder}: no such folder, though watch.archives names it; rotated logs may lie there unread. "
            "Make it, mount it, or take it out of the settings."
        ) from error
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be listed: {error.strerror or error}; rotated logs may lie there unread. Give "
            "zeekml's user the right to list it."
        ) from error


def _is_being_packed(one: Member) -> bool:
    """Whether this is a compressed file that lacks its end and was written lately; one of an empty log has its end."""
    if not one.is_packed or time.time() - one.modified >= PATIENCE:
        return False
    try:
        content = open_content(one.path)
    except InputError:
        return False
    try:
        content.read(0, START)
        return content.failure is not None or not content.packed
    finally:
        content.close()


def start_of(one: Member) -> bytes:
    """``START`` bytes of content from its first line on; none where it cannot be read. Raises FileNotFoundError."""
    try:
        content = open_content(one.path)
    except InputError:
        return b""
    try:
        # The NUL bytes that a truncation from outside leaves are alike in all files.
        begin = content.begin()
        return b"" if begin is None else content.read(begin, START)
    finally:
        content.close()
