"""What a watch is told by signals, and when each part of its end must be over.

In all it takes five seconds at most: on a busy machine the end of the process itself is one of them."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from typing import Final

DRAIN: Final = 1.0
"""Seconds for which a watch that is told to stop goes on with what is there already."""
SAVE: Final = 3.0
"""Seconds after which it no longer saves its state: a snapshot that is not whole by then is abandoned, and the next
start reads the journal instead."""
LEAVE: Final = 3.5
"""Seconds after which it no longer waits for its sinks: what they have not taken waits for the next run."""


@dataclass
class Signals:
    """What the process was told; set by signal handlers."""

    stop: threading.Event = field(default_factory=threading.Event)
    reload: threading.Event = field(default_factory=threading.Event)
    stopped_at: float | None = None
    """When it was told to stop, on the monotonic clock."""

    def tell_to_stop(self) -> None:
        """End the watch."""
        if self.stopped_at is None:
            self.stopped_at = time.monotonic()
        self.stop.set()

    def left(self, seconds: float) -> float:
        """What is left of so many seconds since it was told to stop; infinite as long as it was not."""
        return math.inf if self.stopped_at is None else self.stopped_at + seconds - time.monotonic()
