"""Figures of host verdicts: which infected hosts were flagged and how soon, and who was called for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.alerts.notices import CONNECTION_NOTE, HOST_NOTE, Notice
from zeekml.evaluation.verdicts import Verdicts

_DAY = 86_400.0

#: What a notice is called in figures.
KINDS = {CONNECTION_NOTE: "connection_notice", HOST_NOTE: "host_notice"}


@dataclass(frozen=True, eq=False)
class Rows:
    """The connections of one stream that a verdict is held against.

    ``frame`` (N rows of the batch schema), ``labels`` (N,) class indices or IGNORED, ``counts`` (N,) connections that
    belong to the host that is judged (of an overlay: the bot's own, not those of the host beneath).
    """

    frame: pd.DataFrame
    labels: NDArray[np.int64]
    counts: NDArray[np.bool_]

    @property
    def event_time(self) -> NDArray[np.float64]:
        """(N,) when each connection ended, seconds."""
        return np.asarray(self.frame["ts"] + self.frame["duration"].fillna(0), dtype=np.float64)


def host_outcomes(rows: Rows, verdicts: Verdicts, known: Mapping[str, bool]) -> list[dict[str, Any]]:
    """One entry for each host of ``known`` that originates connections, infected ones first.

    ``connection_notice`` and ``host_notice`` tell of the first notice of each kind: after how many of the host's
    connections (``connections``) and malicious ones among them (``malicious``) it came, that connection included, and
    how many seconds of event time after the first connection (``seconds``) and after the first malicious one
    (``seconds_malicious``) had ended; None where there was none. A host's clock never goes back.
    """
    originators = rows.frame["id.orig_h"]
    codes, names = originators.cat.codes.to_numpy(), originators.cat.categories
    mine = pd.Series(rows.counts)
    total = mine.groupby(codes).cumsum().to_numpy()
    malicious = pd.Series((rows.labels > 0) & rows.counts).groupby(codes).cumsum().to_numpy()
    clock = pd.Series(rows.event_time).groupby(codes).cummax().to_numpy()
    by_host = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[by_host], np.arange(len(names) + 1))
    rows_of = {name: by_host[ends[at] : ends[at + 1]] for at, name in enumerate(names)}
    notices: dict[str, list[Notice]] = {}
    for notice in verdicts.notices:
        notices.setdefault(names[codes[notice.row]], []).append(notice)
    found = []
    for host in sorted(known, key=lambda host: (not known[host], host)):
        own = rows_of.get(host, np.empty(0, dtype=np.int64))
        own = own[rows.counts[own]]
        if not len(own):
            continue
        bad = own[malicious[own] > 0]
        entry: dict[str, Any] = {
            "host": host,
            "infected": known[host],
            "watched": bool(verdicts.watched[own].any()),
            "connections": len(own),
            "malicious": int(malicious[own[-1]]),
            "alerting": int(verdicts.alerting[own].sum()),
        }
        for note, kind in KINDS.items():
            raised = [n for n in notices.get(host, []) if n.note == note and n.row >= own[0]]
            entry[f"{kind}s"] = len(raised)
            entry[kind] = None
            if raised:
                row = raised[0].row
                late = float(clock[row] - clock[bad[0]]) if len(bad) and bad[0] <= row else None
                entry[kind] = {
                    "class": raised[0].class_name,
                    "connections": int(total[row]),
                    "malicious": int(malicious[row]),
                    "seconds": float(clock[row] - clock[own[0]]),
                    "seconds_malicious": late,
                }
        found.append(entry)
    return found


def network_outcome(rows: Rows, verdicts: Verdicts, hosts: list[dict[str, Any]]) -> dict[str, Any]:
    """What a stream's clean hosts were called for: notices, and host notices for each of them and day.

    ``days`` is the span of the stream; rates are None where it is 0 or there is no clean host.
    """
    clean = [host for host in hosts if not host["infected"] and host["watched"]]
    days = float(np.ptp(np.append(rows.event_time, rows.frame["ts"].min())) / _DAY)
    found: dict[str, Any] = {
        "connections": len(rows.labels),
        "alerting": int(verdicts.alerting.sum()),
        "days": days,
        "clean_hosts": len(clean),
        "clean_connections": sum(host["connections"] for host in clean),
        "clean_alerting": sum(host["alerting"] for host in clean),
    }
    for kind in KINDS.values():
        count = sum(host[f"{kind}s"] for host in clean)
        found[f"false_{kind}s"] = count
        found[f"false_{kind}s_per_host_day"] = count / (len(clean) * days) if clean and days > 0 else None
    return found


def false_alerts(rows: Rows, verdicts: Verdicts, hosts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every host notice about a clean host, with what it was raised with and why."""
    clean = {host["host"] for host in hosts if not host["infected"]}
    frame = rows.frame
    found = []
    for notice, reasons in zip(verdicts.notices, verdicts.reasons, strict=True):
        if notice.note != HOST_NOTE:
            continue
        connection = frame.iloc[notice.row]
        if connection["id.orig_h"] in clean:
            found.append(
                {
                    "host": str(connection["id.orig_h"]),
                    "ts": round(float(connection["ts"]), 6),
                    "uid": str(connection["uid"]),
                    "id.resp_h": str(connection["id.resp_h"]),
                    "id.resp_p": int(connection["id.resp_p"]),
                    "proto": str(connection["proto"]),
                    "class": notice.class_name,
                    "score": float(notice.score),
                    "evidence": notice.evidence,
                    "n": notice.n,
                    "why": reasons,
                }
            )
    return found
