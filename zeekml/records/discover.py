"""Finds logs by files, globs and folders, and says which of them continue each other."""

from __future__ import annotations

import glob  # pathlib's refuses absolute patterns
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zeekml.errors import FormatError, InputError, MissingColumnError, ZeekMLError
from zeekml.records import compression
from zeekml.records.order import UNTOLD, Began, by_age
from zeekml.records.reader import LogFile, open_log, read_batches
from zeekml.records.rejects import Rejects
from zeekml.records.rotation import rotation
from zeekml.records.sniff import Sniffed, says, sniff

STDIN = "-"
_LITTLE = 4 << 10  # bytes read from a file to tell what it is
_MUCH = 1 << 20  # bytes, where a little is not enough
_CALLED_CONN = ("conn", "eve", "json_streaming_conn")


@dataclass(frozen=True, slots=True)
class Stream:
    """A log and its rotated files, in log order. State and host verdicts are kept by stream."""

    name: str
    files: tuple[LogFile, ...]


@dataclass(slots=True)
class Discovery:
    """What was found. ``passed_over`` names the files in folders that are no connection logs, ``empty`` the folders
    given in which there was no file at all."""

    streams: list[Stream] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    problems: list[ZeekMLError] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)


def discover(paths: Sequence[str]) -> Discovery:
    """Find the connection logs under ``paths``: files, globs, folders, and ``-`` for standard input.

    A file named or matched by a glob is taken as it is (reading it says what is wrong with it); in a folder,
    hidden files and logs that are no connection logs are passed over. A file reached twice is taken once.
    Whatever cannot be found or opened is among ``problems``; nothing is raised.
    """
    search = _Search()
    for path in paths:
        if path == STDIN:
            search.take(LogFile(None, STDIN))
        else:
            search.follow(path)
    return Discovery(streams_of(search.files), search.passed_over, search.problems, search.empty)


class _Search:
    def __init__(self) -> None:
        self.files: list[LogFile] = []
        self.passed_over: list[str] = []
        self.problems: list[ZeekMLError] = []
        self.empty: list[str] = []
        self._seen: set[tuple[int, int]] = set()
        self._has_stdin = False

    def take(self, log: LogFile) -> None:
        if log.path is None and self._has_stdin:
            return
        self._has_stdin |= log.path is None
        self.files.append(log)

    def follow(self, path: str) -> None:
        if Path(path).exists():
            self._follow_existing(Path(path))
            return
        if not glob.has_magic(path):
            self.problems.append(InputError(f"{shown(path)}: no such file or folder. Check the path."))
            return
        matched = sorted(glob.glob(path, recursive=True))  # noqa: PTH207
        if not matched:
            self.problems.append(InputError(f"{shown(path)}: nothing matches this pattern. Check the path."))
        for match in matched:
            self._follow_existing(Path(match))

    def _follow_existing(self, path: Path) -> None:
        try:
            found = path.stat()
        except OSError as error:
            self.problems.append(InputError(f"{shown(path)}: cannot be opened: {error.strerror or error}."))
            return
        if stat.S_ISDIR(found.st_mode):
            before = self._met()
            self._walk(path, found)
            if self._met() == before:
                self.empty.append(shown(path))
        elif self._is_new(found):
            self.take(LogFile(path, shown(path)))

    def _met(self) -> int:
        return len(self.files) + len(self.passed_over) + len(self.problems)

    def _is_new(self, found: os.stat_result) -> bool:
        identity = (found.st_dev, found.st_ino)
        new = identity not in self._seen
        self._seen.add(identity)
        return new

    def _walk(self, folder: Path, found: os.stat_result) -> None:
        if not self._is_new(found):
            return
        try:
            entries = sorted(folder.iterdir(), key=lambda entry: (entry.is_symlink(), entry.name))
        except OSError as error:
            self.problems.append(InputError(f"{shown(folder)}: cannot be listed: {error.strerror or error}."))
            return
        for entry in entries:
            # Zeek's .shadow files, editors' and copiers' temporary files.
            if entry.name.startswith("."):
                continue
            try:
                inner = entry.stat()
            except OSError:
                # A dangling link, or a file rotated away meanwhile.
                self.passed_over.append(shown(entry))
                continue
            if stat.S_ISDIR(inner.st_mode):
                self._walk(entry, inner)
            elif not stat.S_ISREG(inner.st_mode):
                self.passed_over.append(shown(entry))
            elif self._is_new(inner):
                self._weigh(entry)

    def _weigh(self, path: Path) -> None:
        """Take a file of a folder if it is a connection log."""
        log = LogFile(path, shown(path))
        try:
            look(log)
        except MissingColumnError as error:
            self._leave(log, error, called_conn=_path_says(log).startswith("conn"))
        except FormatError as error:
            self._leave(log, error, called_conn=False)
        except InputError as error:
            self._leave(log, error, called_conn=path.name.startswith(_CALLED_CONN))
        else:
            self.take(log)

    def _leave(self, log: LogFile, error: InputError, *, called_conn: bool) -> None:
        if called_conn:
            self.problems.append(error)
        else:
            self.passed_over.append(log.name)


def look(log: LogFile) -> Sniffed:
    """Tell the format of a file from its beginning. Raises what ``read_batches`` would raise there."""
    start, is_all = _start(log, _LITTLE)
    if not is_all:
        try:
            return sniff(start, log.name)
        except FormatError:
            start, _ = _start(log, _MUCH)
    return sniff(start, log.name)


def _path_says(log: LogFile) -> str:
    return says(_start(log, _LITTLE)[0])


def _start(log: LogFile, size: int) -> tuple[bytes, bool]:
    """The whole lines at the start of a file's content, and whether they are all that it holds."""
    with open_log(log) as raw:
        pieces = compression.content(raw, log.name, size)
        start = b""
        is_all = True
        for piece in pieces:
            start = piece
            is_all = False
            break
    cut = start.rfind(b"\n") + 1
    return start[:cut] if cut and not is_all else start, is_all


def streams_of(files: list[LogFile]) -> list[Stream]:
    """The streams that logs make, each in log order."""
    groups: dict[str, list[LogFile]] = {}
    for log in files:
        stem = rotation(os.path.normpath(log.path)).stem if log.path else STDIN
        groups.setdefault(stem, []).append(log)
    return [Stream(shown(stem), _ordered(group)) for stem, group in groups.items()]


def _ordered(group: list[LogFile]) -> tuple[LogFile, ...]:
    """By rotation date or number, the live log last; where these do not tell, by ``#open``, else by first ``ts``."""
    if len(group) == 1:
        return tuple(group)
    turned = {log.name: rotation(os.path.normpath(log.path or "")) for log in group}
    undated = [log for log in group if turned[log.name].moment is None and not turned[log.name].number]
    live: LogFile | None
    if len(undated) > 1:
        live = max(undated, key=began)
    else:
        # Compressed, a log is no longer written.
        live = next(
            (log for log in undated if turned[log.name].stem == os.path.normpath(log.path or "")), None
        )
    ordered: list[LogFile] = []
    for tied in by_age((log for log in group if log is not live), lambda log: turned[log.name], began):
        ordered += sorted(tied, key=began) if len(tied) > 1 else tied
    return (*ordered, live) if live else tuple(ordered)


def began(log: LogFile) -> Began:
    """What ``#open`` says in a log, else its first ``ts``; one that cannot be read is the last."""
    try:
        opened = look(log).opened
        if opened:
            return opened, 0.0, log.name
        first = next(read_batches(log, "", rejects=Rejects(), batch_rows=1), None)
        return "", 0.0 if first is None else float(first.table.number("ts")[0]), log.name
    except InputError:
        return UNTOLD, 0.0, log.name


def shown(path: str | Path) -> str:
    """A path as text that can be printed: bytes that are no UTF-8 as an escape, controls too."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
