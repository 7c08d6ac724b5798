"""The further folders where rotated logs lie: there, readable, and of one log each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from zeekml.config import Settings
from zeekml.errors import ConfigError, InputError
from zeekml.operations.doctor.finding import Finding, ok, warning, wrong
from zeekml.records.discover import shown
from zeekml.sensor.archives import Archive, archives_from, shared_archive
from zeekml.sensor.finding import LogFinder
from zeekml.sensor.members import Members


def check_archives(paths: Sequence[Path], settings: Settings) -> Iterator[Finding]:
    """Look at ``watch.archives`` as a watch of these logs and folders of logs would."""
    if not settings.watch.archives:
        return
    try:
        archives = archives_from(settings)
    except ConfigError as error:
        yield wrong(str(error), "a watch refuses to start without it: rotated logs could lie there unread")
        return
    finder = LogFinder([archive.folder for archive in archives])
    logs = [log for path in paths for log in _logs(path, finder)]
    for archive in archives:
        yield _check(archive, logs)
    for place, log in enumerate(logs):
        if problem := shared_archive(log, logs[:place], archives):
            yield wrong(
                problem, "a watch refuses to start: it would take the files of one log for those of another"
            )


def _logs(path: Path, finder: LogFinder) -> list[Path]:
    return finder.find(path, ()) if os.path.isdir(path) else [path]  # noqa: PTH112  (pathlib's may raise)


def _check(archive: Archive, logs: Sequence[Path]) -> Finding:
    folder = shown(archive.folder)
    theirs = [log for log in logs if archive.is_for(log)]
    if not theirs:
        return warning(
            f"watch.archives: {folder} is for none of the logs given",
            "name its log, or take it out of the settings",
        )
    try:
        rotated = sum(
            archive.folder in (one.path.parent, one.path.parent.parent)
            for log in theirs
            for one in Members(log, [archive.folder]).all()
        )
    except InputError as error:
        return wrong(str(error), "a watch goes on to no other file as long as it cannot be listed")
    if not rotated:
        return warning(
            f"watch.archives: {folder} holds no rotated file of {', '.join(shown(log) for log in theirs)} yet",
            "check the path, if the log was rotated before",
        )
    return ok(f"watch.archives: {folder} holds {rotated} rotated files")
