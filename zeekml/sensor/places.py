"""Where logs lie, whatever a path to them is called: links and spellings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from zeekml.records.discover import shown
from zeekml.records.rotation import rotation
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
