"""Overlays: an infected host's connections under the address of a host of a clean network.

A capture betrays itself: the infected ones are short and hold one host, the clean ones are long and hold many. Laid
into another network, only what the bot does is left to learn from. Context features look at one host at a time, so
an overlay is made of the two hosts' connections alone; the other hosts of the network score as they always do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.addresses import Networks, local_mask
from zeekml.records import join
from zeekml.table import Table
from zeekml.training.captures import Capture, local_hosts
from zeekml.training.recipe import OverlayPart


@dataclass(frozen=True, eq=False)
class HostLog:
    """The connections of one host in log order.

    ``frame`` has the batch columns; ``labels`` (N,) are class indices or ``IGNORED``; ``of_bot`` (N,) marks the
    infected host's own connections (all of them, its benign ones too), the others belong to the clean host beneath.
    """

    capture: str
    host: str
    frame: pd.DataFrame
    labels: NDArray[np.int64]
    of_bot: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Network:
    """A clean capture, the hosts that may lend their address, and its span in seconds.

    ``quiet`` are its other local hosts, the busiest first: they lend theirs when a capture has more infected hosts.
    """

    capture: Capture
    hosts: tuple[str, ...]
    quiet: tuple[str, ...]
    start: float
    span: float

    @classmethod
    def of(cls, capture: Capture, nets: Networks, least: int) -> Network:
        """Find the local hosts with at least ``least`` connections."""
        local = local_hosts(capture, nets)
        busy = tuple(sorted(host for host, count in local.items() if count >= least))
        quiet = tuple(sorted(set(local) - set(busy), key=lambda host: (-local[host], host)))
        ends = capture.event_time
        return cls(capture, busy, quiet, float(ends.min()), float(np.ptp(ends)))

    def lent(self, count: int, rng: np.random.Generator) -> list[str]:
        """Different addresses for ``count`` infected hosts, in random order; fewer when there are no more."""
        busy = [str(host) for host in rng.permutation(self.hosts)]
        return (busy + list(self.quiet))[:count]


def host_log(capture: Capture, host: str, *, bot: bool) -> HostLog:
    """The connections that one host of a capture originates."""
    rows = np.flatnonzero((capture.frame["id.orig_h"] == host).to_numpy())
    frame = capture.frame.iloc[rows].reset_index(drop=True)
    return HostLog(capture.name, host, frame, capture.labels[rows], np.full(len(rows), bot))


def overlay(
    bot: HostLog, network: Network, host: str, part: OverlayPart, rng: np.random.Generator
) -> HostLog:
    """Lay a bot's connections over those of a host: shifted in time, merged in the order in which they end."""
    beneath = host_log(network.capture, host, bot=False)
    start = network.start + rng.uniform(part.earliest, part.latest) * network.span
    frame = bot.frame.assign(ts=bot.frame["ts"] + (start - bot.frame["ts"].min()))
    frame["id.orig_h"] = pd.Categorical([host] * len(frame))
    frame["local_orig"] = beneath.frame["local_orig"].iloc[0]
    merged = join([beneath.frame, frame])
    labels = np.concatenate([beneath.labels, bot.labels])
    of_bot = np.concatenate([beneath.of_bot, bot.of_bot])
    return in_log_order(HostLog(bot.capture, bot.host, merged, labels, of_bot))


def in_log_order(log: HostLog) -> HostLog:
    """The same rows in the order in which connections end."""
    ends = log.frame["ts"] + log.frame["duration"].fillna(0)
    order = np.argsort(ends.to_numpy(), kind="stable")
    frame = log.frame.iloc[order].reset_index(drop=True)
    return replace(log, frame=frame, labels=log.labels[order], of_bot=log.of_bot[order])


def texts_of(column: pd.Series[Any]) -> NDArray[np.object_]:
    """The texts (N,) of a label column, None where it is unset; to be changed."""
    texts = column.astype("object").to_numpy(copy=True)
    texts[column.isna().to_numpy()] = None
    return texts


def labels_of(texts: NDArray[np.object_]) -> pd.Series[Any]:
    """A label column of these texts (N,), unset where one is None."""
    return pd.Series(texts).astype("str").astype("category")


def excerpt(log: HostLog, longest: int, rng: np.random.Generator) -> HostLog:
    """A random stretch of at most ``longest`` connections that holds something malicious where there is any."""
    return _stretch(log, longest, np.flatnonzero(log.labels > 0), rng)


def surroundings(log: HostLog, longest: int, rng: np.random.Generator) -> HostLog:
    """A random stretch of at most ``longest`` connections of an overlay that holds some of what was laid in."""
    return _stretch(log, longest, np.flatnonzero(log.of_bot), rng)


def _stretch(log: HostLog, longest: int, centres: NDArray[np.int64], rng: np.random.Generator) -> HostLog:
    count = len(log.labels)
    if count <= longest:
        return log
    centre = int(rng.choice(centres)) if len(centres) else int(rng.integers(count))
    start = int(np.clip(centre - rng.integers(longest), 0, count - longest))
    rows = slice(start, start + longest)
    return HostLog(
        log.capture, log.host, log.frame.iloc[rows].reset_index(drop=True), log.labels[rows], log.of_bot[rows]
    )


def stacked(logs: Sequence[HostLog]) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Several host logs as one frame in which each has a name of its own, and the log (N,) of each row.

    Where ``local_orig`` is unset it is filled in from the address, which the name no longer tells.
    """
    of_row = np.repeat(np.arange(len(logs)), [len(log.labels) for log in logs])
    frame = join([log.frame for log in logs]).copy()
    table = Table.of(frame)
    frame["local_orig"] = pd.array(
        local_mask(table.said("local_orig"), table.label("id.orig_h")), dtype="boolean"
    )
    names = pd.Index([f"host-{i}" for i in range(len(logs))])
    frame["id.orig_h"] = pd.Categorical.from_codes(of_row, categories=names)
    return frame, of_row
