"""A step as the driver of a watch tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class MadeStep:
    """Everything has a value; a test gives what it is about."""

    seconds: float = 0.25
    connections: Mapping[str, int] = field(default_factory=lambda: {"conn.log": 100})
    by_class: Mapping[str, int] = field(default_factory=lambda: {"PortScan": 3, "C&C": 1})
    notices: Mapping[tuple[str, str], int] = field(
        default_factory=lambda: {("ZeekML::Botnet_Connection", "PortScan"): 2}
    )
    logged: int = 7
    rejects: int = 0
    suppressed: int = 2
    lag_bytes: Mapping[str, int] = field(default_factory=lambda: {"/opt/zeek/logs/conn.log": 10})
    caught_up: bool = True
    newest: float | None = 1_700_000_000.5
    hosts_held: int = 5
    pairs_held: int = 50
    alert_hosts: int = 2
    journal_bytes: int = 4096
    caps_acted: int = 0


class Clock:
    """A clock that a test turns."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
