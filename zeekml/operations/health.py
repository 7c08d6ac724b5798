"""Whether a watch is well: it turns, and there is room for what it writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from zeekml.operations.telemetry import Telemetry


def free_bytes(folder: Path) -> int:
    """The room that is left to this user on the folder's file system, in bytes; OSError."""
    system = os.statvfs(folder)
    return system.f_bavail * system.f_frsize


class Health:
    """Judges a watch by its telemetry and by the folders that it writes to."""

    def __init__(
        self,
        telemetry: Telemetry,
        folders: Sequence[Path] = (),
        *,
        stuck_after: float = 30.0,
        min_free: int = 64 << 20,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        """``stuck_after``: seconds; ``min_free``: bytes on the file system of each of ``folders``."""
        self._telemetry = telemetry
        self._folders = tuple(folders)
        self._stuck_after = stuck_after
        self._min_free = min_free
        self._free = free

    def problems(self) -> list[str]:
        """What is wrong now, one sentence each; empty when all is well."""
        found = []
        if not self._telemetry.ready:
            found.append("starting: the state is being read, no log is followed yet")
        elif (age := self._telemetry.turn_age) > self._stuck_after:
            found.append(
                f"the main loop has not turned for {age:.0f} s (metrics.stuck_after is "
                f"{self._stuck_after:g} s)"
            )
        if self._telemetry.failing is not None:
            found.append(self._telemetry.failing)
        return found + [problem for folder in self._folders if (problem := self._lack(folder))]

    def _lack(self, folder: Path) -> str | None:
        try:
            free = self._free(folder)
        except OSError as error:
            return f"{folder}: cannot be looked at: {error.strerror or error}"
        if free < self._min_free:
            return (
                f"{folder}: the disk is full: {free >> 20:,} MiB are left (metrics.min_free is "
                f"{self._min_free >> 20:,} MiB)"
            )
        return None
