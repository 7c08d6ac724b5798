"""Follows one log from file to file: everything whole that is there, once and in order, and where that ends."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pyarrow as pa

from zeekml.errors import InputError
from zeekml.records import BATCH_ROWS, Batch, Rejects
from zeekml.records.frame import Gatherer, Lines
from zeekml.records.lines import Block
from zeekml.sensor.content import open_content
from zeekml.sensor.family import Family, Following
from zeekml.sensor.members import PATIENCE
from zeekml.sensor.open_log import OpenLog
from zeekml.sensor.position import Position

SETTLE = 0.5  # seconds
MOST_BYTES = 32 << 20  # of a log's text in one poll

_log = logging.getLogger("zeekml.sensor")


class LogFollower:
    """Follows the log at ``path`` through rotation; a pure pull, without threads.

    ``start``: a position to go on from; or the ``"start"`` of the log as it is found, the oldest of its rotated files
    first; or its ``"end"``. A log that is not there yet is read from its start. A rotated file that Zeek did not close
    is left for the next one when it has not been written for ``settle`` seconds. ``archives`` are further folders
    where rotated files may lie.
    """

    def __init__(
        self,
        path: Path,
        stream: str,
        *,
        start: Position | Literal["start", "end"],
        rejects: Rejects,
        archives: Sequence[Path] = (),
        settle: float = SETTLE,
    ) -> None:
        self.path = path
        self.stream = stream
        self._family = Family(path, archives)
        self._rejects = rejects
        self._settle = settle
        self._log: OpenLog | None = None
        self._resume = isinstance(start, Position)
        self._position = start if isinstance(start, Position) else Position()
        self._started = start != "end"
        self._waiting = 0
        self._caught_up = False
        self._problem: InputError | None = None
        self._unlisted: InputError | None = (
            None  # of the problems, that a folder or the file sought could not be read
        )

    @property
    def position(self) -> Position:
        """After the last line of the last poll."""
        return self._position

    @property
    def caught_up(self) -> bool:
        """Whether the last poll took all that was there; False also while a rotated file settles."""
        return self._caught_up

    @property
    def problem(self) -> InputError | None:
        """Why nothing can be read just now; it is tried again with every poll."""
        return self._problem

    @property
    def lag_bytes(self) -> int:
        """Bytes on disk that were not taken yet, in the file being read and in those after it."""
        live = self._family.live_stat()
        try:
            own = self._log.lag() if self._log else 0
        except OSError:
            own = 0
        if live is None or (self._log and self._log.content.identity == (live.st_dev, live.st_ino)):
            return own
        return own + self._waiting + live.st_size if self._started else own

    def look_in(self, archives: Sequence[Path]) -> None:
        """Look for rotated files in these further folders from now on, instead of those named before."""
        self._family.look_in(archives)

    def folders(self) -> set[Path]:
        """The folders whose changes concern this log, as far as they exist."""
        return {folder for folder in self._family.folders() if folder.is_dir()}

    def poll(self, most_rows: int = BATCH_ROWS) -> list[Batch]:
        """The connections of whole lines that are there now and were not taken yet, ``most_rows`` at most.

        A batch never holds lines of two files. Files that vanish or cannot be read raise nothing.
        """
        if most_rows < 1:
            raise ValueError(f"most_rows is {most_rows}, expected 1 or more")
        taking = _Taking(self.stream, most_rows)
        self._caught_up = True
        try:
            while not taking.full and (log := self._log or self._begin()):
                if not self._take(log, taking) and not self._advance(log, taking):
                    break
            if taking.full:
                self._caught_up = False
        except (FileNotFoundError, BlockingIOError):
            self._family.forget()
            self._wait()  # renamed or packed at this moment
        except OSError as error:
            self._trouble(InputError(f"{self.path}: cannot be read: {error.strerror or error}."))
        except InputError as error:
            self._trouble(error)
            self._unlisted = self._problem
        return taking.batches()

    def close(self) -> None:
        """Let go of the file being read."""
        if self._log:
            self._log.close()
            self._log = None

    def _take(self, log: OpenLog, taking: _Taking, *, final: bool = False) -> bool:
        """Read what is there, up to some MiB; False where that is nothing."""
        blocks = log.blocks(taking.left, final=final)
        if blocks is None:
            return False
        for block in blocks:
            taking.add(log, block)
        self._position = log.position(self._position)
        self._problem = None
        return True

    def _advance(self, log: OpenLog, taking: _Taking) -> bool:  # noqa: PLR0911  (one question after the other)
        """At the end of a file: go on to the next, if there is one and this one is over."""
        if not log.same():
            return self._replaced(log)
        if log.problem and log.problem is not self._problem:
            self._trouble(log.problem)
        live = self._family.live_stat()
        if live and log.content.identity == (live.st_dev, live.st_ino):
            return False
        following = self._listed(self._family.after(log.content.identity, self._position))
        if following.member is None and (live is None or not live.st_size):
            # Zeek opens the new log only with the next line. An empty one was put there by others, and the writer
            # may not have gone on to it.
            return False
        early = log.content.failure
        if not log.quiet_for(self._settle):
            return self._wait()
        if early and log.content.read_again():
            return True
        if early and not log.quiet_for(PATIENCE):
            return self._wait()
        return self._take(log, taking, final=True) or self._leave(log, following, live)

    def _leave(self, log: OpenLog, following: Following, live: os.stat_result | None) -> bool:
        if log.content.failure and not log.closed:
            _log.warning("%s", log.content.failure)
        return self._go_on(following, live)

    def _wait(self) -> bool:
        self._caught_up = False
        return False

    def _go_on(self, following: Following, live: os.stat_result | None) -> bool:
        """Leave the file being read, if any, for the next. ``live`` is the live log before the search for that."""
        member = following.member
        if member and member.is_empty_archive() and time.time() - member.modified < PATIENCE:
            return self._wait()  # it is just being compressed
        predecessor = following.predecessor()
        opened = self._open(member.path if member else self.path)
        if opened is None:
            self._family.forget()
            return self._problem is None and self._wait()
        expected = member.identity if member else live and (live.st_dev, live.st_ino)
        if opened.content.identity != expected:
            opened.close()  # rotated since the look at the folder
            self._family.forget()
            return self._wait()
        self._position = self._position.after(following.previous, predecessor)
        self._family.gone_on_to(following)
        self._waiting = following.waiting
        if self._log:
            _log.info("%s: read to its end; going on with %s", self._log.name, opened.name)
            self._log.close()
        self._log = opened
        return True

    def _replaced(self, log: OpenLog) -> bool:
        """The file was truncated in place: by copytruncate, by a restart of Zeek, or by hand."""
        if not log.offset:
            # Nothing was taken from it; what it held may be in a copy by now, which follows the last position.
            self.close()
            return self._begin() is not None
        copy = self._family.find(self._position, but=log.content.identity)
        if copy:
            _log.info("%s: truncated; going on in its copy %s", log.name, copy.path)
            self._log = OpenLog(copy, self.stream, self._rejects, at=self._position)
            log.close()
            return True
        anew = OpenLog(log.content, self.stream, self._rejects, header=log.header)
        if anew.go_back(self._position):
            self._log = anew
            return True
        live = self._family.live_stat()
        following = self._listed(self._family.after(None, self._position))
        _log.warning("%s: truncated in place; what stood there and was not read is gone", log.name)
        if following.member is None:
            self._log = anew
            return True
        # What was written since the cut has been copied away itself by now.
        self.close()
        return self._go_on(following, live)

    def _begin(self) -> OpenLog | None:
        """Open the first file: the one of the position, or the one at which to start."""
        if not self._started:
            self._begin_at_end()
        elif not (self._resume and self._found_again()):
            live = self._family.live_stat()
            following = self._listed(self._family.after(None, self._position))
            if following.member or live:
                self._go_on(following, live)
        return self._log

    def _found_again(self) -> bool:
        position = self._position
        rotated = self._listed(self._family.rotated())
        content = self._family.find(position)
        if content:
            self._log = OpenLog(content, self.stream, self._rejects, at=position)
            self._resume = False
            live = self._family.live_stat()
            if live and content.identity == (live.st_dev, live.st_ino):
                self._family.gone_on_to(rotated)
            return True
        self._resume = False
        opened = self._open(self.path)
        if opened and opened.go_back(position):
            self._log = opened
            return True
        if opened:
            opened.close()
        if position.offset:
            gone = "%s: the file that was being read, %s, is gone; going on with the first that follows it"
            _log.warning(gone, self.path, position.path)
        return False

    def _begin_at_end(self) -> None:
        """Stand at the end of the live log; while that holds no connection, at the end of the file before it."""
        rotated = self._listed(self._family.rotated())
        nothing = Position.nothing_before(time.time()).after(rotated.previous, rotated.predecessor())
        log = self._open(self.path)
        if log is None and self._problem:
            return
        with contextlib.ExitStack() as unwanted:
            position = nothing
            if log:
                unwanted.callback(log.close)
                position = log.skip_to_end(nothing)
            newest = rotated.one_earlier()
            last = self._open_member(newest) if newest and not position.offset else None
            if newest and last:
                # The live log may be rotated before anything is taken from it: what it follows tells its place then.
                unwanted.callback(last.close)
                position = last.skip_to_end(Position().after(newest.previous, newest.predecessor()))
            if self._family.rotated().newest != rotated.newest:
                self._wait()  # rotated meanwhile: what is the end is asked once more
                return
            self._started = True
            self._family.gone_on_to(rotated)
            unwanted.pop_all()
        kept, other = (last, log) if last and position.offset else (log, last)
        if other:
            other.close()
        self._log, self._position = kept, position if position.offset else nothing

    def _open_member(self, following: Following) -> OpenLog | None:
        """A rotated file, None where it cannot be read."""
        if following.member is None:
            return None
        try:
            return OpenLog(open_content(following.member.path), self.stream, self._rejects)
        except InputError:
            return None

    def _listed(self, found: Following) -> Following:
        """The folders and what is sought in them could be read, maybe again."""
        if self._problem is self._unlisted:
            self._problem = None
        return found

    def _open(self, path: Path) -> OpenLog | None:
        header = self._log.header if self._log else self._position.header
        try:
            opened = OpenLog(open_content(path), self.stream, self._rejects, header=header)
        except FileNotFoundError:
            return None
        except InputError as error:
            self._trouble(error)
            return None
        self._problem = None
        return opened

    def _trouble(self, problem: InputError) -> None:
        if str(problem) != str(self._problem):
            _log.error("%s", problem)
        self._problem = problem


class _Taking:
    """What one poll has taken so far."""

    def __init__(self, stream: str, most_rows: int) -> None:
        self.left = most_rows
        self._stream = stream
        self._done: list[Batch] = []
        self._gatherer = Gatherer(most_rows)
        self._from: OpenLog | None = None
        self._source = ""
        self._size = 0

    def add(self, log: OpenLog, block: Block) -> None:
        """Take the connections of a block."""
        if log is not self._from:
            self._cut()
            self._from, self._source = log, log.name
        self._size += len(block.data)
        for rows in log.rows(block):
            self.left -= len(rows.lines)
            self._done += [self._batch(*full) for full in self._gatherer.add(rows)]

    @property
    def full(self) -> bool:
        """Whether a poll has done enough: events of other kinds, passed over, are work too."""
        return self.left <= 0 or self._size >= MOST_BYTES

    def batches(self) -> list[Batch]:
        """All that was taken."""
        self._cut()
        return self._done

    def _cut(self) -> None:
        self._done += [self._batch(*rest) for rest in self._gatherer.rest()]

    def _batch(self, table: pa.Table, numbers: Lines) -> Batch:
        return Batch(table, self._source, self._stream, numbers)
