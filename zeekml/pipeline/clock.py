"""Notices when the machine's clock is set while a watch runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

LEAST: Final = 10.0
"""Seconds; what time servers correct step by step is less."""

_log = logging.getLogger(__name__)


class SetClock:
    """Compares the wall clock with one that is never set, from look to look."""

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        """``wall``: epoch s; ``steady``: s since some moment."""
        self._wall = wall
        self._steady = steady
        self._ahead = wall() - steady()

    def look(self) -> float:
        """Seconds by which the clock was set since the last look, 0.0 for less than ``LEAST``; a warning tells it.

        Verdicts need no clock, so nothing else follows.
        """
        ahead = self._wall() - self._steady()
        jump = ahead - self._ahead
        if abs(jump) < LEAST:
            return 0.0
        self._ahead = ahead
        _log.warning(
            "the clock of this machine went %s by %.0f s: it was set, or the machine slept. Verdicts go by the times "
            "in the logs alone; rotation by time, the lag and `written` in the alerts table go by the clock. "
            "`zeekml doctor` tells whether it is kept.",
            "ahead" if jump > 0 else "back",
            abs(jump),
        )
        return jump
