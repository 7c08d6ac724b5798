"""When an output is rotated, and the name it then gets: Zeek's, ``notice.2026-11-23-14-00-00.log``."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OutputRotation:
    """``every``: interval (s, counted from local midnight); ``size``: bytes. 0: never for that reason."""

    every: float = 0.0
    size: int = 0

    def is_due(self, opened: float, length: int, now: float) -> bool:
        """Whether a file begun at ``opened`` (epoch s) with ``length`` bytes is to be rotated ``now``."""
        if length == 0:
            return False
        if self.size and length >= self.size:
            return True
        return bool(self.every) and self._begin(now) > self._begin(opened)

    def name_for(self, name: str, opened: float, is_taken: Callable[[str], bool]) -> str:
        """The rotated file's name: the nominal begin of its interval; without one, when it was begun.

        Local time, as Zeek has it. Where that name is taken, a number follows.
        """
        moment = self._begin(opened) if self.every else opened
        stem = f"{name.removesuffix('.log')}.{time.strftime('%Y-%m-%d-%H-%M-%S', time.localtime(moment))}"
        name, number = f"{stem}.log", 1
        while is_taken(name):
            name, number = f"{stem}-{number}.log", number + 1
        return name

    def _begin(self, moment: float) -> float:
        """The begin of the interval that a moment lies in (epoch s)."""
        ahead = time.localtime(moment).tm_gmtoff
        return (moment + ahead) // self.every * self.every - ahead
