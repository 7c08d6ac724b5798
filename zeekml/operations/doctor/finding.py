"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a finding is meant."""

    OK = "ok"
    WARNING = "warning"
    """A watch works, perhaps not as one thinks."""
    WRONG = "wrong"
    """A watch will not work, or not for long."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what to do about it ("" where nothing is to be done)."""

    level: Level
    what: str
    cure: str = ""


def ok(what: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, what)


def warning(what: str, cure: str) -> Finding:
    """To be thought about."""
    return Finding(Level.WARNING, what, cure)


def wrong(what: str, cure: str) -> Finding:
    """To be put right."""
    return Finding(Level.WRONG, what, cure)
