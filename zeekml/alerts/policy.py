"""What alerts: thresholds, suppression, whose connections count."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zeekml.addresses import Networks, local_mask
from zeekml.alerts.allowlist import Allowlist
from zeekml.alerts.ordinary import Ordinary
from zeekml.alerts.sensors import Sensors
from zeekml.errors import ConfigError
from zeekml.table import Frame, Table

DECIDING = ("ts", "id.orig_h", "id.resp_h", "id.resp_p", "proto", "service", "local_orig")
"""The columns that `AlertPolicy.counts` reads."""


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """Settings of alerting; ConfigError names the one that is out of range.

    ``connection_threshold``: score (0..1) at which a connection alerts. ``host_threshold``: evidence (nats,
    above 0) at which a host does. ``evidence_floor``: score (0..1) from which a connection counts as
    evidence. ``half_life``: of evidence, s. ``suppress_for``: s on the host's clock. ``local_nets``: whose
    connections alert; None: those with ``local_orig`` T, and where that is unset those from private
    addresses. ``alert_inbound``: others alert as well. ``sensors``: what the allowlist knows sensors
    by. ``ordinary``: what a baseline says is usual. ``max_hosts``: suspicious hosts remembered per stream, enforced
    after every 65,536th connection of the stream.
    """

    connection_threshold: float
    host_threshold: float
    evidence_floor: float
    half_life: float
    suppress_for: float = 3600.0
    local_nets: Networks | None = None
    alert_inbound: bool = False
    allowlist: Allowlist = field(default_factory=Allowlist)
    sensors: Sensors = field(default_factory=Sensors)
    ordinary: Ordinary = field(default_factory=Ordinary)
    max_hosts: int = 100_000

    def __post_init__(self) -> None:
        for name, low, high in (
            ("connection_threshold", 0.0, 1.0),
            ("evidence_floor", 0.0, 1.0),
            ("host_threshold", 0.0, math.inf),
            ("half_life", 0.0, math.inf),
        ):
            value = getattr(self, name)
            if not low < value < high:
                raise ConfigError(
                    f"alerts.{name} is {value}; expected a number above {low:g} and below {high:g}"
                )
        if not 0.0 <= self.suppress_for < math.inf:
            raise ConfigError(f"alerts.suppress_for is {self.suppress_for}; expected seconds, 0 or more")
        if self.max_hosts < 1:
            raise ConfigError(f"alerts.max_hosts is {self.max_hosts}; expected 1 or more")

    @property
    def forget_after(self) -> float:
        """Gap (s, host clock) between suspicious connections after which a host starts anew: nothing is
        suppressed any more, and its evidence has fallen to a thousandth."""
        return max(self.suppress_for, 10.0 * self.half_life)

    def counts(self, frame: Frame, stream: str) -> npt.NDArray[np.bool_]:
        """Which of N connections (`DECIDING` columns) of a stream may alert, whatever their score; (N,) bool."""
        table = Table.of(frame)
        mask = np.ones(len(table), dtype=np.bool_) if self.alert_inbound else self._local(table)
        if len(self.allowlist):
            mask &= ~self.allowlist.matches(table, self.sensors.names(stream))
        return mask

    def _local(self, table: Table) -> npt.NDArray[np.bool_]:
        if self.local_nets is not None:
            return table.label("id.orig_h").test(self.local_nets.contains)
        return local_mask(table.said("local_orig"), table.label("id.orig_h"))
