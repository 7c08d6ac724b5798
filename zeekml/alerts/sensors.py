"""Sensors: the names that the sensor of a stream goes by, for the patterns of the allowlist."""

from __future__ import annotations

import os.path
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase

_STDIN = "-"


@dataclass(frozen=True, slots=True)
class Sensors:
    """Where logs are read. ``machine``: its host name; ``folder``: what a stream's relative path starts from."""

    machine: str = ""
    folder: str = ""

    def names(self, stream: str) -> tuple[str, ...]:
        """What the sensor of a stream may be called, in lower case.

        The machine's host name, whole and without its domain, for a sensor that is this machine; every folder in the
        path of the log, for sensors whose logs are collected in folders of their own; and the whole path.
        """
        names = [self.machine, self.machine.partition(".")[0]]
        if stream != _STDIN:
            path = os.path.normpath(os.path.join(self.folder, stream))  # noqa: PTH118  a name, perhaps of no file
            names += [*path.split("/")[:-1], path]
        return tuple(dict.fromkeys(name.lower() for name in names if name))


def matches_any(names: Collection[str], patterns: Collection[str]) -> bool:
    """Whether one of the names matches one of the patterns: ``*``, ``?``, ``[...]``; upper and lower case are alike."""
    return any(fnmatchcase(name, pattern.lower()) for pattern in patterns for name in names)
