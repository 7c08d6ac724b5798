"""How another sensor might have seen the same connections: with packets missing, or from one side alone.

What is seen so is the whole of a host's log, the bot's connections and those of the host beneath alike: else the damage
itself would tell them apart. States and histories follow Zeek's documentation of ``conn_state`` and ``history``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.training.overlays import HostLog
from zeekml.training.recipe import VariationPart

Masks = NDArray[np.bool_]
Texts = NDArray[np.object_]

_ORIGINATOR = ("orig_bytes", "orig_pkts", "orig_ip_bytes")
_RESPONDER = ("resp_bytes", "resp_pkts", "resp_ip_bytes")


def seen(log: HostLog, part: VariationPart, rng: np.random.Generator) -> HostLog:
    """A host's log as a sensor that misses packets sees it (``loss`` of the draws), or one side (``one_sided``)."""
    if part.loss and rng.random() < part.loss:
        log = _with_loss(log, float(rng.uniform(0, part.loss_most)), rng)
    if part.one_sided and rng.random() < part.one_sided:
        log = _from_one_side(log, originator=bool(rng.random() < 0.5))
    return log


def _with_loss(log: HostLog, rate: float, rng: np.random.Generator) -> HostLog:
    """Miss every packet with probability ``rate``; a connection of which nothing is left is not there.

    TCP's payload sizes come from sequence numbers and stay, those of datagrams shrink with their packets. A TCP
    connection whose SYN or SYN-ACK was missed is ``OTH``; of datagrams without an answer left only the question is.
    """
    frame = log.frame.copy()
    tcp = (frame["proto"] == "tcp").to_numpy()
    gone = np.ones(len(frame), dtype=bool)
    history = _texts(frame["history"])
    gaps = np.zeros(len(frame))
    for payload, packets, sizes in (_ORIGINATOR, _RESPONDER):
        before = frame[packets].fillna(0).to_numpy()
        after = rng.binomial(before.astype(np.int64), 1 - rate).astype(np.float64)
        share = np.divide(after, before, out=np.ones(len(frame)), where=before > 0)
        frame[packets] = frame[packets].where(frame[packets].isna(), after)
        frame[sizes] = np.rint(frame[sizes] * share)
        gaps += np.where(tcp, np.rint(frame[payload].fillna(0) * (1 - share)), 0)
        frame[payload] = np.where(tcp, frame[payload], np.rint(frame[payload] * share))
        gone &= after == 0
    begun = np.array([text.startswith(("S", "^h")) for text in history])
    headless = np.zeros(len(frame), dtype=bool)
    for letter in "Sh":
        known = np.array([letter in text and len(text) > 1 for text in history])
        rows = begun & tcp & known & (rng.random(len(frame)) < rate)
        history[rows] = [text.replace(letter, "", 1) for text in history[rows]]
        headless |= rows
    state = np.where(headless, "OTH", _texts(frame["conn_state"]))
    unanswered = (history == "Dd") & (frame["resp_pkts"] == 0).to_numpy()
    history[unanswered], state[unanswered] = "D", "S0"
    frame["missed_bytes"] = frame["missed_bytes"].fillna(0) + gaps
    frame["history"], frame["conn_state"] = _labels(history), _labels(state)
    # Of an answer alone Zeek takes who gave it for the originator: no longer this host's connection.
    gone |= ~tcp & (frame["orig_pkts"] == 0).to_numpy() & (log.frame["orig_pkts"] > 0).to_numpy()
    return _only(replace(log, frame=frame), ~gone)


def _from_one_side(log: HostLog, *, originator: bool) -> HostLog:
    """Keep the packets of one side; connections that never had any of that side are not there.

    Seen from the originator alone nothing is ever answered. From the responder alone only TCP's are still its
    connections: Zeek takes who sends a first datagram for the originator.
    """
    frame = log.frame.copy()
    tcp = (frame["proto"] == "tcp").to_numpy()
    history = _texts(frame["history"])
    there = (frame["orig_pkts" if originator else "resp_pkts"].fillna(0) > 0).to_numpy() & (originator | tcp)
    if originator:
        history = _of_case(history, str.isupper)
        states = [_unanswered(text) if of_tcp else "S0" for text, of_tcp in zip(history, tcp, strict=True)]
    else:
        history = np.array([f"^{text}" for text in _of_case(history, str.islower)], dtype=object)
        states = [_unasked(text) for text in history]
    for name in _RESPONDER if originator else _ORIGINATOR:
        frame[name] = frame[name].where(frame[name].isna(), 0.0)
    frame["history"] = _labels(history)
    frame["conn_state"] = _labels(np.array(states, dtype=object))
    # A protocol is made out by both sides of a session; a datagram's by its own.
    frame["service"] = _labels(np.where(tcp, "", _texts(frame["service"])))
    return _only(replace(log, frame=frame), there)


def _unanswered(history: str) -> str:
    """The state of a TCP connection of which only the originator's packets were seen."""
    if "S" not in history:
        return "OTH"
    return "SH" if "F" in history else "RSTOS0" if "R" in history else "S0"


def _unasked(history: str) -> str:
    """The same of the responder's."""
    if "r" in history:
        return "RSTRH"
    return "SHR" if "h" in history and "f" in history else "OTH"


def _of_case(history: Texts, is_side: Callable[[str], bool]) -> Texts:
    kept = ["".join(letter for letter in text if is_side(letter)) for text in history]
    return np.array(kept, dtype=object)


def _only(log: HostLog, rows: Masks) -> HostLog:
    """These rows of a log; all of it where none would be left."""
    if rows.all() or not rows.any():
        return log
    frame = log.frame[rows].reset_index(drop=True)
    return replace(log, frame=frame, labels=log.labels[rows], of_bot=log.of_bot[rows])


def _texts(column: pd.Series[Any]) -> Texts:
    """The texts of a label column, empty where it is unset."""
    texts = column.astype("object").to_numpy(copy=True)
    texts[column.isna().to_numpy()] = ""
    return texts


def _labels(texts: Texts) -> pd.Series[Any]:
    """The other way round."""
    return pd.Series([text or None for text in texts]).astype("str").astype("category")
