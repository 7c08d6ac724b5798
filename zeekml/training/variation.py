"""Variations of a bot that keep it a bot: another pace, other ports for what it scans."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zeekml.features.connection import FAILED_STATES
from zeekml.training.overlays import HostLog
from zeekml.training.recipe import VariationPart

#: Ports that scanners of the last years went for; which one a bot tries is its operator's choice.
_SCANNED = (21, 22, 23, 25, 80, 81, 110, 135, 139, 443, 445, 1433, 2222, 2323, 3306, 3389, 5555, 5900, 6379, 7547,
            8080, 8443, 37215, 52869, 60001)  # fmt: skip


def varied(log: HostLog, part: VariationPart, rng: np.random.Generator) -> HostLog:
    """A bot's log at another pace (``pace`` of the draws) and with its scans moved to other ports (``ports``)."""
    if rng.random() < part.pace:
        log = _paced(log, float(np.exp(rng.uniform(-np.log(part.pace_factor), np.log(part.pace_factor)))))
    if rng.random() < part.ports:
        log = _moved(log, rng)
    return log


def _paced(log: HostLog, factor: float) -> HostLog:
    """Stretch the times between connections; how long each lasts, and the order in the log, stay."""
    frame = log.frame.copy()
    ends = frame["ts"] + frame["duration"].fillna(0)
    start = ends.min()
    frame["ts"] = start + (ends - start) * factor - frame["duration"].fillna(0)
    return replace(log, frame=frame)


def _moved(log: HostLog, rng: np.random.Generator) -> HostLog:
    """Move each TCP port that mostly failed, and to which many peers were tried, to another one."""
    frame = log.frame
    failed = frame["conn_state"].isin(FAILED_STATES).to_numpy() & (frame["proto"] == "tcp").to_numpy()
    tried = frame[failed].groupby("id.resp_p")["id.resp_h"].nunique()
    ports = frame["id.resp_p"].to_numpy().copy()
    for port in tried.index[tried >= 20]:
        here = (frame["id.resp_p"] == port).to_numpy()
        if failed[here].mean() > 0.5:
            ports[here] = rng.choice(_SCANNED)
    return replace(log, frame=frame.assign(**{"id.resp_p": ports}))
