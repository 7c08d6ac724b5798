"""Variations of a bot that keep it a bot: another pace, other ports for what it scans, a server that is gone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.features.connection import FAILED_STATES
from zeekml.training.overlays import HostLog, in_log_order, labels_of, texts_of
from zeekml.training.recipe import VariationPart

Ints = NDArray[np.int64]

#: Ports that scanners of the last years went for; which one a bot tries is its operator's choice.
_SCANNED = (21, 22, 23, 25, 80, 81, 110, 135, 139, 443, 445, 1433, 2222, 2323, 3306, 3389, 5555, 5900, 6379, 7547,
            8080, 8443, 37215, 52869, 60001)  # fmt: skip


def varied(log: HostLog, part: VariationPart, rng: np.random.Generator) -> HostLog:
    """A bot's log at another pace (``pace`` of the draws), its scans moved (``ports``), a server gone (``dead``)."""
    if rng.random() < part.pace:
        log = _paced(log, float(np.exp(rng.uniform(-np.log(part.pace_factor), np.log(part.pace_factor)))))
    if rng.random() < part.ports:
        log = _moved(log, rng)
    if part.dead and rng.random() < part.dead:
        log = _bereft(log, rng)
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


def _bereft(log: HostLog, rng: np.random.Generator) -> HostLog:
    """Let a server that answered two malicious calls or more stop answering, from one of its calls on.

    It drops what comes (``S0``), refuses it (``REJ``) or takes it and resets (``RSTR``): one of them for all calls.
    Datagrams get no answer. The more calls, the likelier a server is the one.
    """
    frame = log.frame
    served = (frame["resp_pkts"].fillna(0) > 0).to_numpy() & frame["proto"].isin(("tcp", "udp")).to_numpy()
    served &= ~frame["conn_state"].isin(FAILED_STATES).to_numpy()
    calls = frame[served & (log.labels > 0)].groupby("id.resp_h", observed=True).size()
    calls = calls[calls > 1]
    if calls.empty:
        return log
    server = rng.choice(calls.index.to_numpy(dtype=object), p=(calls / calls.sum()).to_numpy())
    rows = np.flatnonzero((frame["id.resp_h"] == server).to_numpy() & served)
    begun = frame["ts"].to_numpy()[rows]
    rows = rows[begun >= rng.choice(begun)]
    tcp = (frame["proto"] == "tcp").to_numpy()[rows]
    changed = frame.copy()
    _unanswered(changed, rows[~tcp])
    _unserved(changed, rows[tcp], rng)
    return in_log_order(replace(log, frame=changed))


def _unanswered(frame: pd.DataFrame, rows: Ints) -> None:
    """Make datagrams ones without an answer; one by itself has neither duration nor sizes."""
    alone = frame["orig_pkts"].to_numpy()[rows] <= 1
    values: dict[str, Any] = dict.fromkeys(("resp_pkts", "resp_ip_bytes", "missed_bytes"), 0.0)
    values["resp_bytes"] = np.where(alone, np.nan, 0.0)
    for name in ("duration", "orig_bytes"):
        values[name] = np.where(alone, np.nan, frame[name].to_numpy()[rows])
    _put(frame, rows, values, {"conn_state": "S0", "history": "D"})


def _unserved(frame: pd.DataFrame, rows: Ints, rng: np.random.Generator) -> None:
    """Make TCP connections ones that came to nothing, all in one way."""
    count = len(rows)
    trip = float(np.exp(rng.uniform(np.log(0.002), np.log(0.25))))
    syn = float(rng.choice((44, 48, 52, 60)))
    sent = rng.integers(1, 5, count).astype(np.float64)
    values: dict[str, Any] = {"resp_bytes": 0.0, "resp_pkts": 0.0, "resp_ip_bytes": 0.0, "missed_bytes": 0.0}
    words: dict[str, Any] = {"service": None}
    match rng.integers(3):
        case 0:  # dropped: repeated after 1, 2 and 4 s; one by itself has neither duration nor sizes
            known = np.where(sent > 1, 0.0, np.nan)
            waited = 2.0 ** (sent - 1) - 1 + rng.uniform(0, 0.1, count)
            values |= {
                "orig_bytes": known,
                "resp_bytes": known,
                "duration": np.where(sent > 1, waited, np.nan),
            }
            values |= {"orig_pkts": sent, "orig_ip_bytes": sent * syn}
            words |= {"conn_state": "S0", "history": "S"}
        case 1:
            values |= {"orig_bytes": 0.0, "duration": trip, "orig_pkts": 1.0, "orig_ip_bytes": syn}
            values |= {"resp_pkts": 1.0, "resp_ip_bytes": 40.0}
            words |= {"conn_state": "REJ", "history": "Sr"}
        case _:  # the request, if there is one, is taken and no answer given
            asked = np.minimum(frame["orig_bytes"].fillna(0).to_numpy()[rows], 1448)
            packets = 2.0 + (asked > 0)
            values |= {"orig_bytes": asked, "duration": 2 * trip, "orig_pkts": packets}
            values |= {
                "orig_ip_bytes": asked + (packets - 1) * 40 + syn,
                "resp_pkts": 2.0,
                "resp_ip_bytes": syn + 40,
            }
            words |= {"conn_state": "RSTR", "history": np.where(asked > 0, "ShADr", "ShAr")}
    _put(frame, rows, values, words)


def _put(frame: pd.DataFrame, rows: Ints, numbers: dict[str, Any], words: dict[str, Any]) -> None:
    for name, value in numbers.items():
        column = frame[name].to_numpy(copy=True)
        column[rows] = value
        frame[name] = column
    for name, word in words.items():
        texts = texts_of(frame[name])
        texts[rows] = word
        frame[name] = labels_of(texts)
