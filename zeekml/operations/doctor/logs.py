"""The logs that are to be followed: can they be read, what are they, how are they rotated."""

from __future__ import annotations

import fnmatch
import grp
import os
import pwd
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from zeekml.errors import InputError
from zeekml.health import Finding as SensorFinding
from zeekml.health import SensorHealth
from zeekml.operations.doctor.finding import Finding, ok, warning, wrong
from zeekml.records import LogFile, Rejects, discover, read_batches
from zeekml.records.rotation import rotation

_SAMPLE: Final = 256 << 10  # bytes from the end of a log
_HEADER: Final = 64 << 10  # bytes from its start, for the header
_AHEAD: Final = 60.0  # seconds that clocks may differ
_SILENT: Final = 3600.0
_LOGROTATE: Final = (Path("/etc/logrotate.conf"), Path("/etc/logrotate.d"))
_COMPRESSED: Final = (".gz", ".zst", ".zstd")


def check_path(path: Path, now: float, logrotate: tuple[Path, ...] = _LOGROTATE) -> Iterator[Finding]:
    """Look at a log, or at the logs of a folder. ``now``: epoch seconds."""
    blocked = _blocked(path)
    if blocked is not None:
        yield blocked
    elif path.is_dir():
        yield from _check_folder(path, now, logrotate)
    elif not path.exists():
        yield warning(f"{path}: not there yet", "a watch waits for it; check the path if Zeek runs")
    else:
        yield from _check_log(path, now, logrotate)


def _check_folder(folder: Path, now: float, logrotate: tuple[Path, ...]) -> Iterator[Finding]:
    found = discover([str(folder)])
    for problem in found.problems:
        yield wrong(f"{problem}", "put it right, or name the logs instead of the folder")
    logs = [stream.files[-1].path for stream in found.streams]
    if not logs:
        yield warning(
            f"{folder}: no connection log among {len(found.passed_over)} files",
            "a watch waits for one; check the path if Zeek runs",
        )
    for log in logs:
        if log is not None:
            yield from _check_log(log, now, logrotate)


def _check_log(path: Path, now: float, logrotate: tuple[Path, ...]) -> Iterator[Finding]:
    try:
        found = sample(path)
        changed = path.stat().st_mtime
    except InputError as error:
        yield wrong(str(error), "name the conn.log of Zeek (TSV or JSON) or the eve.json of Suricata")
        return
    except OSError as error:
        yield wrong(f"{path}: cannot be read: {error.strerror or error}", "check the file system")
        return
    if found.connections:
        yield ok(f"{path}: a connection log; {found.connections:,} of its latest lines were read")
    else:
        yield ok(f"{path}: a connection log without connections in its latest lines")
    if found.rejects:
        yield warning(
            f"{path}: {found.rejects:,} of its latest lines could not be read, such as: {found.example}",
            "look at the log; a watch counts such lines and writes them to rejects.log",
        )
    for each in found.sensor:
        yield warning(f"{path}: in its latest lines: {each.code}: {each.seen}", f"{each.means}; {each.cure}")
    yield from _check_times(path, found.newest, changed, now)
    yield from _check_rotation(path, logrotate)


def _check_times(path: Path, newest: float | None, changed: float, now: float) -> Iterator[Finding]:
    ahead = max(changed, newest or 0.0) - now
    if ahead > _AHEAD:
        yield warning(
            f"{path}: {ahead:,.0f} s ahead of this machine's clock",
            "set the clocks of sensor and machine alike",
        )
    elif now - changed > _SILENT:
        yield warning(f"{path}: nothing was written for {(now - changed) / 3600:,.1f} h", "does Zeek run?")
    elif newest is not None and now - newest > 86_400:
        yield warning(
            f"{path}: is written now, but its connections are {(now - newest) / 86_400:,.1f} days old",
            "check the sensor's clock, unless a capture is replayed",
        )


def _check_rotation(path: Path, logrotate: tuple[Path, ...]) -> Iterator[Finding]:
    stem = rotation(os.path.normpath(path)).stem
    rotated = [
        each
        for each in path.parent.iterdir()
        if not each.name.startswith(".") and each != path and rotation(os.path.normpath(each)).stem == stem
    ]
    unreadable = [each for each in rotated if not _may(each, os.R_OK)]
    if unreadable:
        yield wrong(
            f"{path}: {len(unreadable)} of its rotated files may not be read, such as {unreadable[0].name}",
            _grant(unreadable[0]) + "; without them a watch cannot catch up after a stop",
        )
    elif rotated:
        compressed = sum(each.suffix in _COMPRESSED for each in rotated)
        yield ok(f"{path}: {len(rotated)} rotated files beside it, {compressed} of them compressed")
    else:
        yield ok(f"{path}: no rotated file beside it yet")
    for rules in _truncating(path, logrotate):
        yield warning(
            f"{path}: {rules} rotates it with copytruncate, which loses the lines written meanwhile",
            "let Zeek rotate (Log::default_rotation_interval), or use create in place of copytruncate",
        )


def _truncating(path: Path, places: tuple[Path, ...]) -> Iterator[Path]:
    """The files of logrotate that name this log in a block with copytruncate."""
    for place in places:
        for file in sorted(place.iterdir()) if place.is_dir() else [place]:
            try:
                blocks = file.read_text(encoding="utf-8", errors="replace").split("}")
            except OSError:
                continue
            for block in blocks:
                names, brace, rules = block.rpartition("{")
                patterns = [word.strip("\"'") for word in names.split()]
                named = any(fnmatch.fnmatch(str(path.absolute()), pattern) for pattern in patterns)
                if brace and named and "copytruncate" in rules.split():
                    yield file


@dataclass(frozen=True, slots=True)
class Sample:
    """What the latest lines of a log hold. ``example``: why one of the ``rejects`` is one; ``newest``: the latest end
    of a connection (epoch s); ``uids``: of the connections; ``sensor``: what is wrong with the sensor."""

    connections: int = 0
    rejects: int = 0
    example: str = ""
    newest: float | None = None
    uids: frozenset[str] = frozenset()
    sensor: tuple[SensorFinding, ...] = ()


def sample(path: Path) -> Sample:
    """The latest lines of a log, read. Raises InputError for what is no connection log, OSError."""
    rejected: list[str] = []
    rejects = Rejects(sink=lambda reject: rejected.append(reject.reason))
    if path.suffix in _COMPRESSED:
        batches = read_batches(LogFile(path, str(path)), "", rejects=rejects, batch_rows=1000)
        frames = [batch.frame for _, batch in zip(range(1), batches, strict=False)]
    else:
        text = _latest(path)
        if not text:
            return Sample()
        with tempfile.TemporaryFile() as copy:
            copy.write(text)
            copy.flush()
            log = LogFile(Path(f"/proc/self/fd/{copy.fileno()}"), str(path))
            frames = [batch.frame for batch in read_batches(log, "", rejects=rejects)]
    rows = sum(map(len, frames))
    ends = [float((frame["ts"] + frame["duration"].fillna(0.0)).max()) for frame in frames if len(frame)]
    uids = frozenset().union(*(frame["uid"] for frame in frames))
    health = SensorHealth()
    for frame in frames:
        health.process(frame, "")
    return Sample(
        rows,
        rejects.total,
        rejected[0] if rejected else "",
        max(ends, default=None),
        uids,
        tuple(health.end_stream("")),
    )


def _latest(path: Path) -> bytes:
    """The header of a log and its last whole lines."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(_HEADER)
        header = b"".join(line for line in start.splitlines(keepends=True) if line.startswith(b"#"))
        if size <= len(start):
            text = start
            header = b""
        else:
            file.seek(max(len(start), size - _SAMPLE))
            text = file.read(_SAMPLE).partition(b"\n")[2]
    return header + text[: text.rfind(b"\n") + 1]


def _blocked(path: Path) -> Finding | None:
    """The first part of the path that this user may not pass or read."""
    for part in reversed(path.absolute().parents):
        if part.is_dir() and not _may(part, os.X_OK):
            return wrong(f"{path}: {part} may not be entered", _grant(part))
    if path.is_dir() and not _may(path, os.R_OK | os.X_OK):
        return wrong(f"{path}: may not be listed", _grant(path))
    if path.exists() and not _may(path, os.R_OK):
        return wrong(f"{path}: may not be read", _grant(path))
    if path.parent.is_dir() and not _may(path.parent, os.R_OK):
        return wrong(f"{path.parent}: may not be listed, so rotated files are not found", _grant(path.parent))
    return None


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=True)


def _grant(path: Path) -> str:
    """What to do so that the watch's user may read a path."""
    try:
        found = path.stat()
    except OSError:
        return "let the watch's user read it"
    owner = _name(lambda: pwd.getpwuid(found.st_uid).pw_name, found.st_uid)
    group = _name(lambda: grp.getgrgid(found.st_gid).gr_name, found.st_gid)
    return (
        f"it belongs to {owner}:{group} with mode {found.st_mode & 0o7777:04o}: let that group read it and add "
        f"the watch's user to it: usermod -aG {group} zeekml"
    )


def _name(look_up: Callable[[], str], number: int) -> str:
    try:
        return look_up()
    except KeyError:
        return str(number)
