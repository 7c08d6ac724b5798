"""The files that belong to one log: the open one and its rotated predecessors, in log order.

Which file comes next is told by rotation dates and numbers in names, where names tell, else by the time of the last
write. What was read before is told by content (see :mod:`zeekml.sensor.identity`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from zeekml.errors import InputError
from zeekml.records.rotation import rotation
from zeekml.sensor.content import Content, open_content
from zeekml.sensor.identity import holds, starts_alike
from zeekml.sensor.position import Position

_LIVE = "current"  # zeekctl's link to where the open logs are, beside the folders by date
_DAY = timedelta(days=1)
_LOOKS = 5
_REMEMBERED = 10_000
_LOOKED_AT = 200  # files whose content is compared in search of the one that was read
_GZIP_LEAST = 18  # bytes: no gzip file is smaller
_SLACK = 2.0  # seconds: file systems with coarse times
_PACKED = (".gz", ".zst", ".zstd")

Identity = tuple[int, int]
Age = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class Member:
    """A rotated file, or a file of the log's name elsewhere. ``age`` orders: rotation date, then number."""

    path: Path
    identity: Identity
    size: int
    modified: float
    moment: datetime | None
    number: int

    @property
    def age(self) -> Age:
        """Older first; logrotate's numbers count up as files grow older."""
        return (self.moment or datetime.max, -self.number)

    @property
    def named(self) -> bool:
        """Whether the name tells when the file was rotated."""
        return self.moment is not None or self.number > 0

    def is_empty_archive(self) -> bool:
        """Whether this will be a compressed file and is none yet."""
        return self.path.name.endswith(_PACKED) and self.size < _GZIP_LEAST


@dataclass(frozen=True, slots=True)
class Following:
    """What follows a file: ``member``, or where None the live log; ``previous`` is the last date before that."""

    member: Member | None
    previous: datetime | None


class Family:
    """The files of the log at ``live``. ``archives``: further folders where rotated ones may lie."""

    def __init__(self, live: Path, archives: Sequence[Path] = ()) -> None:
        self.live = live
        self._archives = tuple(archives)
        self._others: set[tuple[bytes, Identity, int, float]] = set()  # files that are not what was read

    def folders(self) -> list[Path]:
        """The folders, each once, whose changes concern this log; some may not exist."""
        above = self.live.parent
        found = [above, Path(os.path.realpath(above)), Path(os.path.realpath(self.live)).parent]
        if above.name == _LIVE:
            found.append(above.parent)
        return list(dict.fromkeys([*found, *self._archives]))

    def live_stat(self) -> os.stat_result | None:
        """What the log's path leads to now, None where that is nothing."""
        try:
            found = self.live.stat()
        except OSError:
            return None
        return found if stat.S_ISREG(found.st_mode) else None

    def members(self, since: datetime | None = None, also: str = "") -> list[Member]:
        """All files of the log but the live one, oldest first, plain before compressed.

        Those dated more than a day before ``since`` are left out; ``also`` is a further path to look at.
        """
        found = self._look(since, also)
        for _ in range(_LOOKS):
            # Numbers shift while logrotate works: only what two looks agree on is an order.
            again = self._look(since, also)
            if [(one.path, one.identity) for one in again] == [(one.path, one.identity) for one in found]:
                break
            found = again
        return found

    def _look(self, since: datetime | None, also: str) -> list[Member]:
        live = self.live_stat()
        seen = {(live.st_dev, live.st_ino)} if live else set()
        floor = since - _DAY if since else datetime.min
        found: list[Member] = []
        for path, shown in self._candidates(floor, also):
            turned = rotation(shown)
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
            found.append(Member(path, identity, state.st_size, state.st_mtime, turned.moment, turned.number))
        return sorted(found, key=lambda one: (*one.age, one.path.name.endswith(_PACKED), one.modified))

    def _candidates(self, floor: datetime, also: str) -> Iterator[tuple[Path, str]]:
        """Paths and the parts of them that may carry a date. Hidden files (Zeek's ``.shadow.``) are none."""
        for folder in self.folders():
            for entry in _entries(folder):
                day = rotation(f"{entry.name}/x").moment
                if day is None or not entry.is_dir():
                    yield Path(entry.path), entry.name
                elif day.date() >= floor.date():
                    for inner in _entries(Path(entry.path)):
                        yield Path(inner.path), f"{entry.name}/{inner.name}"
        if also and not Path(also).name.startswith("."):
            yield Path(also), Path(also).name

    def find(self, position: Position, *, but: Identity | None = None) -> Content | None:
        """Open the file that holds what ``position`` was in, wherever it is now; None where it is gone."""
        live = self.live_stat()
        if live and (live.st_dev, live.st_ino) != but and (opened := _try(self.live)):
            if _is_same(opened, position):
                return opened
            opened.close()
        for since in (position.previous, None):
            # Dates go back where a clock was set right: the second time, all files.
            members = [one for one in self.members(since, position.path) if one.identity != but]
            for member in _likely_first(members, position):
                if opened := _try(member.path):
                    if _is_same(opened, position):
                        return opened
                    opened.close()
        return None

    def after(self, identity: Identity | None, position: Position) -> Following:
        """What follows the file with ``identity``, in which ``position`` is; None where it is not held open.

        Where that file has vanished, or its name does not tell its place, the first that was rotated since.
        """
        # Asked first: when a link is switched meanwhile, then to a later one.
        moment = self._live_moment()

        def rotated(since: datetime | None) -> list[Member]:
            found = self.members(since, position.path)
            return [one for one in found if one.identity == identity or not _is_ahead(one, moment)]

        members = rotated(position.previous)
        own = self._own(members, identity, position)
        if own is None and position.previous:
            every = rotated(None)
            if own := self._own(every, identity, position):
                members = every
        if own is not None and own.named:
            # Not what has the same age: a compressed copy of it, perhaps not yet whole.
            following = next((one for one in members if one.named and one.age > own.age), None)
        else:
            following = next((one for one in members if one is not own and _is_since(one, position)), None)
        return Following(following, _latest(members, following))

    def _own(self, members: Sequence[Member], identity: Identity | None, position: Position) -> Member | None:
        own = next((one for one in members if one.identity == identity), None)
        if own is not None or not position.offset:
            return own
        for member in _likely_first(members, position):
            # Compressed archives are not looked into with every poll while a log is away.
            looked_at = (position.fingerprint, member.identity, member.size, member.modified)
            if looked_at in self._others:
                continue
            if _begins(member, position):
                return member
            if len(self._others) >= _REMEMBERED:
                self._others.clear()
            self._others.add(looked_at)
        return None

    def latest(self) -> datetime | None:
        """The last rotation date among the files."""
        moment = self._live_moment()
        return _latest([one for one in self.members() if not _is_ahead(one, moment)], None)

    def _live_moment(self) -> datetime | None:
        """The date of the file to which the log's path leads, where it is a link and the names there have dates."""
        turned = rotation(str(Path(*Path(os.path.realpath(self.live)).parts[-2:])))
        return turned.moment if Path(turned.stem).name == self.live.name else None


def _is_ahead(member: Member, live: datetime | None) -> bool:
    """Whether a file is dated after the live log: it was begun, and the link will be switched to it."""
    return live is not None and member.moment is not None and member.moment > live


def _latest(members: Sequence[Member], before: Member | None) -> datetime | None:
    moments = [one.moment for one in members if one.moment and (before is None or one.age < before.age)]
    return max(moments, default=None)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return [entry for entry in found if not entry.name.startswith(".")]
    except OSError:
        return []


def _likely_first(members: Sequence[Member], position: Position) -> list[Member]:
    """The newest first; before all others the same inode, and what was written since."""

    def rank(one: Member) -> tuple[bool, bool]:
        same = one.identity == (position.device, position.inode)
        return not same, one.modified < position.modified - _SLACK

    newest_first = members[::-1]
    return sorted(newest_first, key=rank)[:_LOOKED_AT]


def _is_since(member: Member, position: Position) -> bool:
    """Whether a file was rotated after what ``position`` was in, as far as its name or else its time tells."""
    if member.moment is not None:
        return position.previous is None or member.moment > position.previous
    if not position.offset:
        return member.number > 0 and member.modified >= position.modified
    return member.number > 0 and member.modified > position.modified


def _is_same(content: Content, position: Position) -> bool:
    if not position.offset:
        return content.identity == (position.device, position.inode)
    try:
        return holds(content, position)
    except (OSError, InputError):
        return False


def _begins(member: Member, position: Position) -> bool:
    content = _try(member.path)
    if content is None:
        return False
    try:
        return starts_alike(content, position)
    except (OSError, InputError):
        return False
    finally:
        content.close()


def _try(path: Path) -> Content | None:
    try:
        return open_content(path)
    except (OSError, InputError):
        return None
