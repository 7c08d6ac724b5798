"""Rotation dates in file names: taken out they leave the stream's name, in order they give log order.

Sources: Zeek's ``conn.2026-11-23-10-00-00.log``, a supervised cluster's
``log-queue/conn__2026-11-23-10-00-00__2026-11-23-11-00-00__.log``, zeekctl's and zeek-archiver's
``2026-11-23/conn.10:00:00-11:00:00.log.gz``, Corelight's ``conn_20260816_06:00:00-07:00:00+0000.log.gz``, Suricata's
``eve-2026-11-23-10:30.json``, logrotate's ``-20261123`` and ``.1``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import PurePath

_TIME = r"(?P<h>[01]\d|2[0-3])(?P<sep>[:\-]?)(?P<m>[0-5]\d)(?:(?P=sep)(?P<s>[0-5]\d))?"
_RANGE_END = r"(?:-[0-2]\d[:\-]?[0-5]\d(?:[:\-]?[0-5]\d)?)?"
_ZONE = r"(?P<zone>Z|[+\-]\d{2}:?\d{2})?"
_DAY = r"(?P<day>(?:19|20)\d{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01]))"
_EDGE = r"(?![0-9A-Za-z])"
_DATED = re.compile(rf"(?:^|[._\-]){_DAY}(?:[T_.\-]?{_TIME}{_RANGE_END}{_ZONE})?{_EDGE}")
_QUEUED = re.compile(rf"__{_DAY}-{_TIME}{_ZONE}__[\d\-]+__")
_TIMED = re.compile(
    rf"(?:^|[._\-])(?P<h>[01]\d|2[0-3])(?P<sep>:)(?P<m>[0-5]\d):(?P<s>[0-5]\d)-\d\d:\d\d:\d\d{_ZONE}{_EDGE}"
)
_FOLDER = re.compile(rf"^{_DAY}$")
_COMPRESSED = re.compile(r"\.(?:gz|zst|zstd)$")
_NUMBERED = re.compile(r"(?<=\.log|json)\.(?P<number>\d{1,4})$")
_LIVE = "current"  # zeekctl's link to where the open logs are, beside the folders by date


@dataclass(frozen=True, slots=True)
class Rotation:
    """A path without its rotation date. ``moment``: None for a live log; ``number``: logrotate's, or 0."""

    stem: str
    moment: datetime | None
    number: int


def rotation(path: str) -> Rotation:
    """Take the rotation date, number and compression suffix out of a path, from folders and from the name."""
    *folders, name = PurePath(path).parts
    day: date | None = None
    kept: list[str] = []
    for folder in folders:
        if match := _FOLDER.match(folder):
            day = _day(match["day"])
        elif folder != _LIVE:
            kept.append(folder)
    name = _COMPRESSED.sub("", name)
    number = 0
    if match := _NUMBERED.search(name):
        number = int(match["number"])
        name = name[: match.start()]
    moment = datetime.combine(day, time()) if day else None
    if match := _QUEUED.search(name) or _DATED.search(name):
        day = _day(match["day"])
        moment = _moment(day, match)
        name = _without(name, match)
    elif day and (match := _TIMED.search(name)):
        moment = _moment(day, match)
        name = _without(name, match)
    return Rotation(str(PurePath(*kept, name)), moment, number)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _moment(day: date | None, match: re.Match[str]) -> datetime | None:
    if day is None:
        return None
    if match["h"] is None:
        return datetime.combine(day, time())
    moment = datetime.combine(day, time(int(match["h"]), int(match["m"]), int(match["s"] or 0)))
    zone = match["zone"]
    if zone and zone != "Z":
        ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        moment = moment - ahead if zone[0] == "+" else moment + ahead
    return moment


def _without(name: str, match: re.Match[str]) -> str:
    before, after = name[: match.start()], name[match.end() :]
    return before + after if before else after.lstrip("._-")
