"""Where logs lie, whatever a path to them is called: links, spellings, and the folders of their rotated files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zeekml.records.discover import shown
from zeekml.records.rotation import rotation
from zeekml.sensor.members import Members
from zeekml.sensor.position import Position

_LIVE = "current"  # zeekctl's link to where the open logs are


def place(path: Path) -> Path:
    """Where a log lies or will lie: links among the folders are followed, the last part is taken as it is."""
    return Path(os.path.realpath(path.parent)) / path.name


def is_same_log(one: Path, other: Path) -> bool:
    """Whether two paths lead to one log: through a link, or by another spelling."""
    if place(one) == place(other):
        return True
    try:
        return one.samefile(other)
    except OSError:
        return False  # one of them is not there yet


def stream_of(live: Path, kept: Mapping[str, Position]) -> str:
    """The name of a log's stream, as ``discover`` names it.

    Where ``kept`` has positions of that log under another spelling, that one: what is remembered of its hosts goes by
    the name of the stream.
    """
    name = shown(rotation(os.path.normpath(live)).stem)
    if name in kept:
        return name
    lately = sorted(kept, key=lambda other: kept[other].modified, reverse=True)
    return next((other for other in lately if _is_of(live, other, kept[other])), name)


def _is_of(live: Path, stream: str, position: Position) -> bool:
    """Whether a stream is that of the log at ``live``."""
    named = Path(stream)
    if is_same_log(live, named) or is_same_log(live, named.with_name(_LIVE) / named.name):
        return True
    # A relative name means nothing in another working folder; the file that was read has its full path.
    stems = {rotation(str(place(live))).stem, rotation(os.path.realpath(live)).stem}
    return bool(position.path) and rotation(position.path).stem in stems


@dataclass(frozen=True, slots=True)
class Archive:
    """A folder where rotated files lie: those of ``log``, a log or a folder of logs, or where None of every log."""

    folder: Path
    log: Path | None = None

    def is_for(self, live: Path) -> bool:
        """Whether rotated files of the log at ``live`` lie here."""
        if self.log is None:
            return True
        above = Path(os.path.realpath(self.log))
        return is_same_log(live, self.log) or any(
            above in path.parents for path in (place(live), Path(os.path.realpath(live)))
        )


def archives_of(live: Path, archives: Sequence[Archive]) -> list[Path]:
    """The folders where rotated files of a log may lie."""
    return [archive.folder for archive in archives if archive.is_for(live)]


def shared_archive(live: Path, others: Sequence[Path], archives: Sequence[Archive]) -> str | None:
    """What is wrong where rotated files in an archive may be those of another log: of one name, they look alike.

    ``others`` are the other logs that are followed.
    """
    for archive in archives:
        if not archive.is_for(live):
            continue
        folder = os.path.realpath(archive.folder)
        cure = (
            "Give each log a folder of its own, and say whose it is: "
            f"archives: [{{folder: {shown(archive.folder)}, log: {shown(live)}}}]"
        )
        for other in others:
            theirs = [*Members(other).folders(), *archives_of(other, archives)]
            if other.name == live.name and folder in map(os.path.realpath, theirs):
                return (
                    f"watch.archives: {shown(archive.folder)} would hold the rotated files of both {shown(live)} and "
                    f"{shown(other)}, which cannot be told apart. {cure}"
                )
        stranger = archive.folder / live.name
        if stranger.is_file() and not is_same_log(stranger, live):
            return (
                f"watch.archives: {shown(stranger)} is a log of its own, so the rotated files beside it need not be "
                f"those of {shown(live)}. {cure}"
            )
    return None
