"""An alert as the optional sinks get it: a notice with its connection, an id, and no frame needed."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from zeekml.alerts.message import facts, sentence
from zeekml.alerts.notices import HOST_NOTE, Explained, Notice
from zeekml.sinks.connections import connections_of
from zeekml.table import Frame

_MOST_CHARACTERS = 4096  # of a text of the log; no field of a real one comes near
_LISTS = ("sensor", "peers", "ports")


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """One alert; field for field what `Notice` and a connection's row say, but for these.

    ``id``: 32 hexadecimal digits, the same whenever the same alert is made again. ``stream``: name of the
    stream of logs. ``made``: wall clock (epoch s) when zeekml made the alert. Texts may hold anything that
    stood in a log, bytes that are no UTF-8 as lone surrogates; `alert_records` cuts them at 4,096 characters.
    """

    id: str
    note: str
    class_name: str
    score: float
    evidence: float | None
    n: int
    suppress_for: float
    reasons: str
    model: str
    stream: str
    ts: float
    uid: str
    orig_h: str
    orig_p: int
    resp_h: str
    resp_p: int
    proto: str
    service: str | None
    made: float
    sensor: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    usual: float = 0.0

    @property
    def about_host(self) -> bool:
        """A verdict on a host, not on a connection."""
        return self.note == HOST_NOTE

    @property
    def short_note(self) -> str:
        """The note without its module: ``Botnet_Host`` or ``Botnet_Connection``."""
        return self.note.rpartition("::")[2]

    @property
    def has_ports(self) -> bool:
        """False for ICMP, whose ports are type and code."""
        return "icmp" not in self.proto

    def message(self) -> str:
        """The sentence of notice.log's ``msg``."""
        return sentence(
            self._notice(), orig_h=self.orig_h, resp_h=self.resp_h, resp_p=self.resp_p, proto=self.proto
        )

    def facts(self) -> str:
        """The facts of notice.log's ``sub``."""
        return facts(self._notice(), model=self.model, reasons=self.reasons)

    def to_json(self) -> bytes:
        """One line of ASCII without its line feed; `from_json` gives an equal record."""
        return json.dumps(asdict(self), separators=(",", ":")).encode("ascii")

    @classmethod
    def from_json(cls, line: bytes | bytearray | memoryview) -> Self:
        """The record that a line holds; ValueError when it holds none."""
        values: Any = json.loads(bytes(line))
        if isinstance(values, dict):
            # Lines of zeekml before it looked at the health of sensors, told what carries the evidence, took baselines.
            values = {name: [] for name in _LISTS} | {"usual": 0.0} | values
        if (
            not isinstance(values, dict)
            or values.keys() != {field.name for field in fields(cls)}
            or not all(isinstance(values[name], list) for name in _LISTS)
        ):
            raise ValueError(f"expected an alert, found {bytes(line)[:80]!r}")
        return cls(**{**values, **{name: tuple(values[name]) for name in _LISTS}})

    def _notice(self) -> Notice:
        return Notice(
            0, self.note, self.class_name, self.score, self.n, self.evidence, self.suppress_for, self.sensor,
            self.peers, self.ports, self.usual,
        )  # fmt: skip


def alert_id(stream: str, uid: str, note: str, class_name: str, ts: float) -> str:
    """The id of an alert: BLAKE2b (16 bytes) of what makes it one of its kind, in hexadecimal."""
    parts = (stream, uid, note, class_name, f"{ts:.6f}")
    text = "".join(f"{len(part)}:{part}" for part in parts)  # lengths: no two lists give one text
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def alert_records(
    notices: Sequence[Notice],
    frame: Frame,
    explained: Explained,
    *,
    stream: str,
    model: str,
    made: float,
) -> list[AlertRecord]:
    """The records of a batch frame's notices, in their order; ``made`` as in `AlertRecord`."""
    if not notices:
        return []
    records = []
    for notice, connection in zip(notices, connections_of(notices, frame), strict=True):
        ts, uid, orig_h, orig_p, resp_h, resp_p, proto, service = connection
        records.append(
            AlertRecord(
                id=alert_id(stream, uid, notice.note, notice.class_name, ts),
                note=notice.note,
                class_name=notice.class_name,
                score=notice.score,
                evidence=notice.evidence,
                n=notice.n,
                suppress_for=float(notice.suppress_for),
                reasons=explained.of(notice.row),
                model=model,
                stream=stream,
                ts=ts,
                uid=uid[:_MOST_CHARACTERS],
                orig_h=orig_h[:_MOST_CHARACTERS],
                orig_p=orig_p,
                resp_h=resp_h[:_MOST_CHARACTERS],
                resp_p=resp_p,
                proto=proto[:_MOST_CHARACTERS],
                service=service[:_MOST_CHARACTERS] if service is not None else None,
                made=made,
                sensor=notice.sensor,
                peers=notice.peers,
                ports=notice.ports,
                usual=notice.usual,
            )
        )
    return records


def as_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a text of a log is; None where it is none, or names a zone."""
    if "%" in text:
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
