"""What alerting makes of a batch: which connections alert, and the notices to be written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from zeekml.repeated import Repeated

CONNECTION_NOTE = "ZeekML::Botnet_Connection"
HOST_NOTE = "ZeekML::Botnet_Host"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice, written with row ``row`` of the batch frame.

    ``score``: of that connection. ``class_name``: its class, for a host notice the class with the most evidence.
    ``n``: connections of that host and class since its previous notice of this kind, this one included: alerting
    ones, for a host notice those at or above the evidence floor. ``evidence``: of the host (nats), host notices only,
    by what the model says alone. ``suppress_for``: seconds. ``sensor``: codes of what was wrong with the log when the
    connection came (`zeekml.health`). ``peers`` and ``ports`` (``23/tcp``; for ICMP the protocol alone): those that
    carry most of the evidence against the host by then, this connection included, the heaviest first, a few each
    (`zeekml.alerts.carriers`). ``usual``: what a baseline says is usual, 0 where it says nothing: the score of this
    host's connections to that peer and port, for a host notice so much of the evidence against the host.
    """

    row: int
    note: str
    class_name: str
    score: float
    n: int
    evidence: float | None
    suppress_for: float
    sensor: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    usual: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Alerts:
    """Alerts of a batch of N connections.

    ``above`` (N,): score at or above the connection threshold, whoever the originator is. ``alerting`` (N,):
    those of them that count: from a local originator (or any, where the policy says so) and not in the
    allowlist. ``notices``: by row, a connection's before a host's.
    """

    above: npt.NDArray[np.bool_]
    alerting: npt.NDArray[np.bool_]
    notices: list[Notice] = field(default_factory=list)

    def rows_to_explain(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Rows that reasons are wanted for, ascending: those of ``rows`` (about to be logged) at or above the
        connection threshold, and those of the notices."""
        carrying = np.array([notice.row for notice in self.notices], dtype=np.int64)
        return union(rows[self.above[rows]], carrying)

    def marked(self, sensor: Callable[[int], tuple[str, ...]]) -> Alerts:
        """The same alerts, every notice marked with what ``sensor`` says of its row."""
        notices = [replace(notice, sensor=sensor(notice.row)) for notice in self.notices]
        return Alerts(self.above, self.alerting, notices)


def union(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The rows that are among either, ascending and each once; numpy's own loads masked arrays for it."""
    both = np.sort(np.concatenate((first, second)))
    return both[np.flatnonzero(np.diff(both, prepend=-1))]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is held against a host at a moment: ``evidence`` (nats) by class, for the classes that have any; and by
    note and class until when (epoch s on the host's clock) notices are ``suppressed``; ``peers`` and ``ports`` that
    carry most of the evidence, as in `Notice`. ``excused`` (nats): what the evidence would be more by, had the baseline
    not called it ordinary."""

    evidence: dict[str, float] = field(default_factory=dict)
    suppressed: dict[tuple[str, str], float] = field(default_factory=dict)
    peers: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    excused: float = 0.0


@dataclass(frozen=True, slots=True)
class Explained:
    """Reasons in words ("" for none) for E rows of a batch frame; ``rows`` ascending."""

    rows: npt.NDArray[np.int64]
    reasons: Sequence[str]

    def where(self, mask: npt.NDArray[np.bool_]) -> Explained:
        """Those of the explained rows for which ``mask`` (N,), of the whole frame, is true."""
        kept = mask[self.rows]
        return Explained(self.rows[kept], Repeated.of(self.reasons)[kept])

    def of(self, row: int) -> str:
        """The reasons of one row, "" where it has none."""
        at = int(np.searchsorted(self.rows, row))
        return self.reasons[at] if at < len(self.rows) and self.rows[at] == row else ""
