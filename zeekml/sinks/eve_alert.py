"""Alerts as Suricata's EVE ``alert`` events, for what reads eve.json.

Source: Suricata 7.0, EVE JSON output: the common section and event type alert.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from zeekml.sinks.alert import AlertRecord, as_address
from zeekml.sinks.appended import AppendedFile
from zeekml.sinks.text import printable, utc

GENERATOR: Final = 9000
"""``gid``: apart from Suricata's own generators, so that no rule of a site has the same numbers."""

SIGNATURES: Final = {"Botnet_Connection": 9000001, "Botnet_Host": 9000002}
"""``signature_id`` by note."""

_LONGEST_FLOW_ID: Final = 18  # digits that surely fit 63 bits; Suricata's flow ids are shorter


class EveAlertSink:
    """Appends one EVE event a line to a file."""

    name = "eve"
    most = 1000

    def __init__(self, path: Path) -> None:
        self._file = AppendedFile(path, _id_of)

    def deliver(self, records: Sequence[AlertRecord]) -> None:
        """Append the records that the file does not hold yet; SinkError."""
        self._file.append([(record.id, eve_line(record)) for record in records])

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def eve_line(record: AlertRecord) -> bytes:
    """One alert as a line, its line feed included."""
    event: dict[str, Any] = {"timestamp": _time(record.ts)}
    if record.uid.isascii() and record.uid.isdigit() and len(record.uid) <= _LONGEST_FLOW_ID:
        event["flow_id"] = int(record.uid)  # the connection came from Suricata: the events of its flow join
    event |= {"event_type": "alert", "src_ip": printable(record.orig_h)}
    if record.has_ports:
        event["src_port"] = record.orig_p
    event["dest_ip"] = printable(record.resp_h)
    if record.has_ports:
        event["dest_port"] = record.resp_p
    event["proto"] = _protocol(record)
    if not record.has_ports:
        event |= {"icmp_type": record.orig_p, "icmp_code": record.resp_p}
    if record.service is not None:
        event["app_proto"] = printable(record.service)
    event["alert"] = {
        "action": "allowed",
        "gid": GENERATOR,
        "signature_id": SIGNATURES.get(record.short_note, 9000000),
        "rev": 1,
        "signature": f"{record.note} {printable(record.class_name)}",
        "category": "Botnet activity",
        "severity": 1 if record.about_host else 2,
    }
    event["zeekml"] = _verdict(record)
    return orjson.dumps(event) + b"\n"


def _verdict(record: AlertRecord) -> dict[str, Any]:
    verdict: dict[str, Any] = {
        "id": record.id,
        "message": printable(record.message(), 1024),
        "uid": printable(record.uid),
        "class": printable(record.class_name),
        "score": round(record.score, 6),
        "n": record.n,
        "suppress_for": record.suppress_for,
        "model": printable(record.model),
        "stream": printable(record.stream),
        "made": _time(record.made),
    }
    if record.evidence is not None:
        verdict["evidence"] = round(record.evidence, 3)
    if record.sensor:
        verdict["sensor"] = list(record.sensor)
    if record.peers:
        verdict["evidence_peers"] = [printable(peer) for peer in record.peers]
    if record.ports:
        verdict["evidence_ports"] = [printable(port) for port in record.ports]
    if record.reasons:
        verdict["reasons"] = printable(record.reasons)
    return verdict


def _protocol(record: AlertRecord) -> str:
    """The protocol in Suricata's spelling."""
    if not record.has_ports:
        address = as_address(record.orig_h)
        return "IPv6-ICMP" if address is not None and address.version == 6 else "ICMP"
    return printable(record.proto.upper())


def _time(seconds: float) -> str:
    return utc(seconds).strftime("%Y-%m-%dT%H:%M:%S.%f+0000")


def _id_of(line: bytes) -> str | None:
    try:
        return str(orjson.loads(line)["zeekml"]["id"])
    except (ValueError, KeyError, TypeError):
        return None
