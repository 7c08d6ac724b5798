"""Further folders where rotated files lie, and whose they are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zeekml.config import Settings
from zeekml.errors import ConfigError
from zeekml.records.discover import shown
from zeekml.sensor.members import Members
from zeekml.sensor.places import is_same_log, place


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


def archives_from(settings: Settings) -> list[Archive]:
    """The folders of ``watch.archives``. Raises ConfigError where one is not there: nobody would miss what is in it."""
    archives = []
    for one in settings.watch.archives:
        if not os.path.isdir(one.folder):  # noqa: PTH112  (pathlib's raises below a folder that may not be entered)
            raise ConfigError(
                f"watch.archives: {one.folder}: no such folder, or no right to enter it; expected one where rotated "
                "logs lie. Make it, mount it, or take it out of the settings."
            )
        archives.append(Archive(Path(one.folder), None if one.log is None else Path(one.log)))
    return archives
