"""Finds the logs that a report is made of, and reads them one by one."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zeekml.drift import file as drift_file
from zeekml.errors import InputError
from zeekml.records.discover import shown
from zeekml.records.reader import LogFile, open_log
from zeekml.records.rotation import rotation
from zeekml.report.gather import Gathered
from zeekml.report.reading import LogReader

_NAMES = frozenset({"notice.log", "zeekml.log"})


@dataclass(slots=True)
class Source:
    """One log that was read. ``problem``: why it could not be, or not to its end."""

    name: str
    kind: str = ""
    lines: int = 0
    rejected: int = 0
    problem: InputError | None = None


def gather_logs(paths: Sequence[Path], gathered: Gathered) -> tuple[list[Source], list[InputError]]:
    """Add the logs under ``paths`` to ``gathered``; a folder stands for the notice.log and zeekml.log in it.

    Returns the logs, and what could not be read; the others were. InputError where nothing could be.
    """
    files, problems = _found(paths)
    sources = [_read(path, gathered) for path in files]
    problems += [source.problem for source in sources if source.problem is not None]
    if not any(source.kind for source in sources):
        raise InputError(" ".join(map(str, problems)))
    return sources, problems


def _found(paths: Sequence[Path]) -> tuple[list[Path], list[InputError]]:
    """The logs, each once, in the order in which they were named; and what cannot be opened."""
    found: dict[tuple[int, int], Path] = {}
    problems: list[InputError] = []
    for path in paths:
        try:
            kind = path.stat()
            inside = _inside(path) if stat.S_ISDIR(kind.st_mode) else [path]
            if not inside:
                problems.append(
                    InputError(
                        f"{shown(path)}: holds no notice.log and no zeekml.log. Name a folder that zeekml score or "
                        "zeekml watch wrote to, or one of the two logs."
                    )
                )
            for each in inside:
                identity = each.stat()
                found.setdefault((identity.st_dev, identity.st_ino), each)
        except OSError as error:
            problems.append(
                InputError(
                    f"{shown(path)}: cannot be opened: {error.strerror or error}. Check the path and its rights."
                )
            )
    return list(found.values()), problems


def _inside(folder: Path) -> list[Path]:
    """The two logs and their rotated files, which also may be compressed; and what is said of drift beside them."""
    logs = [
        entry
        for entry in sorted(folder.iterdir())
        if not entry.name.startswith(".") and entry.is_file() and rotation(entry.name).stem in _NAMES
    ]
    drift = folder / drift_file.NAME
    return [*logs, drift] if logs and drift.is_file() else logs


def _read(path: Path, gathered: Gathered) -> Source:
    if path.name == drift_file.NAME:
        return _read_drift(path, gathered)
    source = Source(shown(path))
    reader = LogReader(source.name)
    try:
        with open_log(LogFile(path, source.name)) as raw:
            for frame in reader.frames(raw):
                source.lines += len(frame)
                if reader.wanted is not None and reader.wanted.kind == "notice.log":
                    gathered.add_notices(frame)
                else:
                    gathered.add_scored(frame)
    except InputError as error:
        source.problem = error
    source.kind = reader.wanted.kind if reader.wanted else ""
    source.rejected = reader.rejected
    return source


def _read_drift(path: Path, gathered: Gathered) -> Source:
    source = Source(shown(path))
    try:
        with path.open("rb") as raw:
            content = raw.read(drift_file.LARGEST)
        file = drift_file.decode(content, source.name)
        gathered.drift.append(file)
        source.kind, source.lines = drift_file.NAME, len(file.logs)
    except OSError as error:
        source.problem = InputError(f"{source.name}: cannot be read: {error.strerror or error}.")
    except InputError as error:
        source.problem = error
    return source
