"""What a run did, counted as it goes; memory does not grow with the log."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from zeekml.drift.report import DriftReport
    from zeekml.errors import ZeekMLError
    from zeekml.health import Finding
    from zeekml.table import Labels

HOSTS_COUNTED: Final = 1 << 18
"""Originators told apart for the summary; beyond it the count is "more than"."""


@dataclass
class HostCount:
    """The number of distinct originators, up to a bound."""

    _seen: set[int] = field(default_factory=set)
    _apart: int = 0

    def add(self, stream: str, originators: Labels) -> None:
        """Counts the texts of an ``id.orig_h`` column; a host belongs to its stream."""
        if self.full:
            return
        salt = np.frombuffer(
            hashlib.blake2b(stream.encode("utf-8", "surrogatepass"), digest_size=8).digest(), dtype=np.uint64
        )
        self._seen.update((originators.texts.hashes ^ salt).tolist())

    def add_apart(self, count: int) -> None:
        """Counts hosts that are among no others: those of a part of the logs that has its hosts for itself."""
        self._apart += count

    @property
    def full(self) -> bool:
        """No further host is counted."""
        return len(self._seen) + self._apart >= HOSTS_COUNTED

    def __str__(self) -> str:
        return f"more than {HOSTS_COUNTED:,}" if self.full else f"{len(self):,}"

    def __len__(self) -> int:
        return min(len(self._seen) + self._apart, HOSTS_COUNTED)


@dataclass
class Summary:
    """The counts of one run."""

    connections: int = 0
    hosts: HostCount = field(default_factory=HostCount)
    logged: int = 0
    """Lines of zeekml.log."""
    alerts: Counter[str] = field(default_factory=Counter)
    """Alerting connections by class."""
    notices: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Notices by note and class."""
    files: int = 0
    """Logs read to their end."""
    passed_over: list[str] = field(default_factory=list)
    """Files in folders that are no connection logs."""
    problems: list[ZeekMLError] = field(default_factory=list)
    """What could not be read."""
    without_flows: list[str] = field(default_factory=list)
    """Suricata logs read to their end in which no event was a flow."""
    sensor: dict[str, list[Finding]] = field(default_factory=dict)
    """What is wrong with streams of which something is: their sensors, their clocks, their lines."""
    drift: DriftReport | None = None
    """How far the connections are from those of training; None: too few were looked at."""
    rejects: int = 0
    caps_acted: int = 0
    """Hosts and peers that a limit of the state put out: beyond 0, verdicts can differ from a run with more room."""
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Connections a second, from the start of the run to its end."""
        return self.connections / self.seconds if self.seconds > 0 else 0.0
