"""Which file of a log holds what was read, and which one follows it.

Which comes next is told by the order of the files (see :mod:`zeekml.sensor.members`); what was read before is told by
content (see :mod:`zeekml.sensor.identity`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from zeekml.errors import InputError
from zeekml.sensor.content import Content, open_content
from zeekml.sensor.identity import holds, is_known_by, known_by, starts_alike
from zeekml.sensor.members import Identity, Link, Member, Members, start_of
from zeekml.sensor.position import Position

_REMEMBERED = 10_000
_LOOKED_AT = 200  # files whose content is compared in search of the one that was read
_SLACK = 2.0  # seconds: file systems with coarse times

_Seen = tuple[Identity, int, float]


@dataclass(frozen=True, slots=True)
class Following:
    """What follows a file: ``member``, or where None the live log.

    ``previous`` is the last rotation date before that, ``waiting`` the bytes on disk of the files after it, ``before``
    the files that come earlier.
    """

    member: Member | None
    previous: datetime | None = None
    waiting: int = 0
    before: Sequence[Link] = ()

    @property
    def newest(self) -> Identity | None:
        """The last of the files before, None where there is none."""
        return self.before[-1][0].identity if self.before else None

    def predecessor(self) -> bytes | None:
        """What the last file before that holds something is known by; None where there is no file before.

        Raises FileNotFoundError.
        """
        for link in reversed(self.before):
            if start := start_of(link[0]):
                return known_by(start)
        return b"" if self.before else None

    def one_earlier(self) -> Following | None:
        """The last of the files before, as that which follows."""
        return _at(self.before, len(self.before) - 1) if self.before else None


class Family:
    """The files of the log at ``live``. ``archives``: further folders where rotated ones may lie."""

    def __init__(self, live: Path, archives: Sequence[Path] = ()) -> None:
        self.live = live
        self._members = Members(live, archives)
        self._others: set[tuple[bytes, _Seen]] = set()  # files that are not what was read
        # Files that come before the one being read; a dict is a set that keeps its order.
        self._before: dict[_Seen, None] = {}
        # As last seen, while its files are read one after the other.
        self._chain: Sequence[Link] = ()
        self._places: dict[Identity, int] = {}

    def look_in(self, archives: Sequence[Path]) -> None:
        """Look for rotated files in these further folders from now on, instead of those named before."""
        self._members = Members(self.live, archives)
        self.forget()

    def folders(self) -> list[Path]:
        """The folders, each once, whose changes concern this log; some may not exist."""
        return self._members.folders()

    def live_stat(self) -> os.stat_result | None:
        """What the log's path leads to now, None where that is nothing."""
        return self._members.live_stat()

    def find(self, position: Position, *, but: Identity | None = None) -> Content | None:
        """Open the file that holds what ``position`` was in, wherever it is now; None where it is gone.

        Raises InputError where it is not found and one that may be it cannot be opened.
        """
        self.forget()
        if not position.offset:
            return None
        live = self.live_stat()
        unreadable: InputError | None = None
        if live and (live.st_dev, live.st_ino) != but:
            try:
                if opened := _holding(self.live, position):
                    return opened
            except InputError as error:
                unreadable = error
        for since in (position.previous, None):
            # Dates go back where a clock was set right: the second time, all files.
            members = [one for one in self._members.all(since, position.path) if one.identity != but]
            for member in _likely_first(members, position):
                try:
                    if opened := _holding(member.path, position):
                        return opened
                except InputError as error:
                    if not _is_written_before(member, position):
                        unreadable = unreadable or error
            if since is None:
                break
        if unreadable:
            raise unreadable
        return None

    def after(self, identity: Identity | None, position: Position) -> Following:
        """What follows the file with ``identity``, in which ``position`` is; None where it is not held open.

        Where that file has vanished, or its name does not tell its place, the first that was rotated since. With a
        position at nothing, the first of all, or of those written since ``position.modified``. Raises InputError for
        folders that cannot be listed, FileNotFoundError and BlockingIOError when files change at this moment.
        """
        if identity is not None and (known := self._next_known(identity)):
            return known
        members = self._members.rotated(position.previous, position.path, own=identity)
        own = self._own(members, identity, position)
        if own is None and position.previous and position.offset:
            every = self._members.rotated(None, position.path, own=identity)
            if own := self._own(every, identity, position):
                members = every
        chain: Sequence[Link] = self._members.chain(members)
        place = next((at for at, link in enumerate(chain) if own in link), None)
        if place is not None:
            later = range(place + 1, len(chain))
        else:
            later = range(self._first_since(chain, own, position), len(chain))
        # A clock that was set back gives names that read as older than those of files before.
        start = next((at for at in later if _seen(chain[at][0]) not in self._before), len(chain))
        self._chain = chain
        self._places = {one.identity: at for at, link in enumerate(chain) for one in link}
        return _at(chain, start)

    def forget(self) -> None:
        """The files are no longer where they were seen last."""
        self._chain = ()
        self._places = {}

    def _next_known(self, identity: Identity) -> Following | None:
        """What follows by the last look, so that years of files are not listed once for each of them.

        What comes after the last of them is always looked for anew.
        """
        place = self._places.get(identity, len(self._chain)) + 1
        if place >= len(self._chain):
            return None
        member = self._chain[place][0]
        if member.is_empty_archive() or _seen(member) in self._before:
            return None
        return _at(self._chain, place)

    def _first_since(self, chain: Sequence[Link], own: Member | None, position: Position) -> int:
        """The place of the first file that was rotated after one that has no place in the chain itself."""
        if own is None:
            if position.predecessor is None:
                return 0
            for at in range(len(chain) - 1, -1, -1):
                if self._is(
                    chain[at][0], position.predecessor, lambda one, known: is_known_by(start_of(one), known)
                ):
                    return at + 1
        return next(
            (at for at, link in enumerate(chain) if own not in link and _is_since(link[0], position)),
            len(chain),
        )

    def rotated(self) -> Following:
        """The live log, which follows all rotated files."""
        chain = self._members.chain(self._members.rotated())
        return _at(chain, len(chain))

    def gone_on_to(self, following: Following) -> None:
        """Remember that what comes before ``following`` was read, or is not to be."""
        for link in reversed(following.before):
            if _seen(link[0]) in self._before:
                break  # and so are those before it
            self._before |= dict.fromkeys(map(_seen, link))
        while len(self._before) > _REMEMBERED:
            del self._before[next(iter(self._before))]

    def _own(self, members: Sequence[Member], identity: Identity | None, position: Position) -> Member | None:
        own = next((one for one in members if one.identity == identity), None)
        if own is not None or not position.offset:
            return own
        fingerprint = position.fingerprint
        likely = _likely_first(members, position)
        return next(
            (one for one in likely if self._is(one, fingerprint, lambda one, _: _begins(one, position))), None
        )

    def _is(self, member: Member, known: bytes, compare: Callable[[Member, bytes], bool]) -> bool:
        """Whether a file is the one known by this; what it is not stays known: a poll does not look into it again."""
        looked_at = (known, _seen(member))
        if looked_at in self._others:
            return False
        if compare(member, known):
            return True
        if len(self._others) >= _REMEMBERED:
            self._others.clear()
        self._others.add(looked_at)
        return False


def _at(chain: Sequence[Link], place: int) -> Following:
    return Following(
        chain[place][0] if place < len(chain) else None,
        _latest(chain[:place]),
        sum(link[0].size for link in chain[place + 1 :]),
        chain[:place],
    )


def _latest(chain: Sequence[Link]) -> datetime | None:
    return max((link[0].moment for link in chain if link[0].moment), default=None)


def _seen(one: Member) -> _Seen:
    return one.identity, one.size, one.modified


def _likely_first(members: Sequence[Member], position: Position) -> list[Member]:
    """The same inode first; then what was rotated or written since, the oldest first; then the rest."""

    def rank(one: Member) -> tuple[bool, bool, float]:
        same = one.identity == (position.device, position.inode)
        before = _is_written_before(one, position)
        # After a long pause the file that was read is the oldest of many that were written since.
        return not same, before, -one.modified if before else one.modified

    return sorted(members, key=rank)[:_LOOKED_AT]


def _is_written_before(one: Member, position: Position) -> bool:
    return one.modified < position.modified - _SLACK


def _is_since(member: Member, position: Position) -> bool:
    """Whether a file was rotated after what ``position`` was in, as far as its name or else its time tells."""
    if not position.offset and member.modified < position.modified:
        return False
    if member.moment is not None:
        return position.previous is None or member.moment > position.previous
    return not position.offset or member.modified > position.modified


def _holding(path: Path, position: Position) -> Content | None:
    """The file at ``path``, opened, if it holds what ``position`` was in. Raises InputError."""
    try:
        content = open_content(path)
    except FileNotFoundError:
        return None
    try:
        if holds(content, position):
            return content
    except (OSError, InputError):
        pass  # what cannot be read is not it
    content.close()
    return None


def _begins(member: Member, position: Position) -> bool:
    try:
        content = open_content(member.path)
    except (OSError, InputError):
        return False
    try:
        return starts_alike(content, position)
    except (OSError, InputError):
        return False
    finally:
        content.close()
