"""How another sensor might have seen the same connections: with packets missing, or from one side alone.

What is seen so is the whole of a host's log, the bot's connections and those of the host beneath alike: else the damage
itself would tell them apart. States follow from the letters of the history as in Zeek's ``conn_state`` (its
``base/protocols/conn``), letters as Zeek documents ``history``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.training.overlays import HostLog, in_log_order, labels_of, texts_of
from zeekml.training.recipe import VariationPart

Masks = NDArray[np.bool_]
Texts = NDArray[np.object_]
Floats = NDArray[np.float64]

_SIDES: Final = (("orig_bytes", "orig_pkts", "orig_ip_bytes"), ("resp_bytes", "resp_pkts", "resp_ip_bytes"))
#: Letters of one packet each: what begins a connection and what ends it.
_SINGLE: Final = "ShFfRr"
#: Zeek takes who answers from such a port for the responder, though nobody was seen to ask.
_LAST_SERVER_PORT: Final = 1023


def seen(log: HostLog, part: VariationPart, rng: np.random.Generator) -> HostLog:
    """A host's log as a sensor that misses packets sees it (``loss`` of the draws), or one side (``one_sided``)."""
    if part.loss and rng.random() < part.loss:
        log = _with_loss(log, float(rng.uniform(0, part.loss_most)), rng)
    if part.one_sided and rng.random() < part.one_sided:
        log = _from_one_side(log, side=int(rng.random() < 0.5))
    return log


def tcp_state(history: str) -> str:
    """The state of a TCP connection with this history; a ``^`` in it does not matter."""
    asked, answered = "S" in history, "h" in history
    ended = "F" in history, "f" in history
    if all(ended):
        return "SF"
    if "r" in history:  # looked at before the originator's
        return "REJ" if asked and not answered else "RSTR" if asked or ended[0] or "R" in history else "RSTRH"
    if "R" in history:
        return "RSTO" if answered or ended[1] else "RSTOS0"
    if any(ended):
        return ("S2" if answered else "SH") if ended[0] else ("S3" if asked else "SHR")
    return ("S1" if answered else "S0") if asked else "OTH"


def _with_loss(log: HostLog, rate: float, rng: np.random.Generator) -> HostLog:
    """Miss every packet with probability ``rate``; a connection of which nothing is left is not there.

    TCP's payload sizes come from sequence numbers and stay while anything of that side is seen, those of datagrams
    shrink with their packets. A SYN, FIN or RST is among the packets missed as often as any other.
    """
    frame = log.frame.copy()
    tcp = (frame["proto"] == "tcp").to_numpy()
    history = _texts(frame["history"])
    missed = np.zeros(len(frame))
    before, after = _packets(frame), []
    for side, (payload, packets, sizes) in enumerate(_SIDES):
        left = rng.binomial(before[side].astype(np.int64), 1 - rate).astype(np.float64)
        share = np.divide(left, before[side], out=np.ones(len(frame)), where=before[side] > 0)
        history = _without_missed(history, side, share, rng)
        missed += np.where(tcp & (left > 0), np.rint(frame[payload].fillna(0) * (1 - share)), 0)
        frame[payload] = np.where(tcp & (left > 0), frame[payload], np.rint(frame[payload] * share))
        frame[packets] = frame[packets].where(frame[packets].isna(), left)
        frame[sizes] = np.rint(frame[sizes] * share)
        after.append(left)
    frame["missed_bytes"] = frame["missed_bytes"].fillna(0) + missed
    had, has = before[0] + before[1] > 0, after[0] + after[1] > 0
    changed = had & (after[0] + after[1] < before[0] + before[1])
    frame = _told(frame, history, tcp, changed)
    return _only(log, frame, (~had | has) & _still_the_hosts(frame, before[0] > 0))


def _without_missed(history: Texts, side: int, share: Floats, rng: np.random.Generator) -> Texts:
    """Histories without the letters of a side's packets that were missed; ``share`` (N,) of the packets were seen.

    A side's only letter stays while any of its packets does: they all say the same.
    """
    is_side = str.islower if side else str.isupper
    out = history.copy()
    for row in np.flatnonzero(share < 1):
        text = str(history[row])
        mine = [letter for letter in text if is_side(letter)]
        if share[row] == 0:
            gone = set(mine)
        elif len(set(mine)) == 1:
            gone = set()
        else:
            gone = {letter for letter in mine if letter in _SINGLE and rng.random() > share[row]}
        out[row] = "".join(letter for letter in text if letter not in gone)
    return out


def _from_one_side(log: HostLog, *, side: int) -> HostLog:
    """Keep the packets of one side (0: the originator's); connections that never had any of that side are not there.

    Seen from the originator alone nothing is ever answered. From the responder alone a connection is still the host's
    where the port is one that servers have: else Zeek takes who answers for the originator.
    """
    frame = log.frame.copy()
    tcp = (frame["proto"] == "tcp").to_numpy()
    before = _packets(frame)
    is_side = str.islower if side else str.isupper
    history = np.array(
        ["".join(letter for letter in text if is_side(letter)) for text in _texts(frame["history"])],
        dtype=object,
    )
    for name in _SIDES[1 - side]:
        frame[name] = frame[name].where(frame[name].isna(), 0.0)
    # A protocol is made out by both sides of a session; a datagram's by its own.
    frame["service"] = _labels(np.where(tcp, "", _texts(frame["service"])))
    frame = _told(frame, history, tcp, before[0] + before[1] > 0)
    return _only(log, frame, (before[side] > 0) & _still_the_hosts(frame, before[0] > 0))


def _packets(frame: pd.DataFrame) -> tuple[Floats, Floats]:
    """Packets (N,) of either side, 0 where unset."""
    originator, responder = (
        frame[packets].fillna(0).to_numpy(dtype=np.float64, copy=True) for _, packets, _ in _SIDES
    )
    return originator, responder


def _told(frame: pd.DataFrame, history: Texts, tcp: Masks, changed: Masks) -> pd.DataFrame:
    """The frame with the states that its histories (N,) come to, of the rows that ``changed``.

    As Zeek does it a connection of a single packet has neither duration nor payload sizes, and one whose first packet
    is the responder's has a ``^``. Histories that the log lacks stay lacking, with their states.
    """
    udp = (frame["proto"] == "udp").to_numpy()
    known = _texts(frame["history"]) != ""
    originator, responder = _packets(frame)
    state = _texts(frame["conn_state"])
    for row in np.flatnonzero(changed & known):
        if history[row][:1].islower():
            history[row] = f"^{history[row]}"
        if tcp[row]:
            state[row] = tcp_state(history[row])
        elif udp[row]:
            state[row] = "S0" if not responder[row] else "SHR" if not originator[row] else state[row]
    frame["history"], frame["conn_state"] = _labels(np.where(known, history, "")), _labels(state)
    single = changed & (originator + responder == 1)
    for name in ("duration", "orig_bytes", "resp_bytes"):
        frame[name] = frame[name].mask(single)
    return frame


def _still_the_hosts(frame: pd.DataFrame, asked: Masks) -> Masks:
    """Which rows (N,) Zeek still takes for the host's own: what it ``asked`` (N,) and was not seen to, by the port."""
    unseen = asked & (frame["orig_pkts"] == 0).to_numpy()
    return ~unseen | (frame["id.resp_p"] <= _LAST_SERVER_PORT).to_numpy()


def _only(log: HostLog, frame: pd.DataFrame, rows: Masks) -> HostLog:
    """These rows of the log as the frame tells them, in the order in which they end; the log where there are none."""
    if not rows.any():
        return log
    frame = frame[rows].reset_index(drop=True)
    return in_log_order(replace(log, frame=frame, labels=log.labels[rows], of_bot=log.of_bot[rows]))


def _texts(column: pd.Series[Any]) -> Texts:
    """The texts of a label column, empty where it is unset."""
    texts = texts_of(column)
    texts[column.isna().to_numpy()] = ""
    return texts


def _labels(texts: Texts) -> pd.Series[Any]:
    """The other way round."""
    found = texts.copy()
    found[texts == ""] = None
    return labels_of(found)
