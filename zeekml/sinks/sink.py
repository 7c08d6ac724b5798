"""What an optional sink is: something that takes alerts, and says so when it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from zeekml.sinks.alert import AlertRecord


class Sink(Protocol):
    """Takes alerts. Used by one thread at a time; nothing is opened before the first alert."""

    name: str
    """Name for messages, metrics and its place among the alerts; unique among the sinks in use."""

    most: int
    """At most so many records in one call."""

    def deliver(self, records: Sequence[AlertRecord]) -> None:
        """Take all records, in order, or raise SinkError: the same records are then given again later.

        After a crash records can be given that were taken before. A sink that keeps a file skips those; one
        over the network cannot, so receivers go by the alert's id.
        """

    def close(self) -> None:
        """Let go of what is open; a later `deliver` opens it anew."""
