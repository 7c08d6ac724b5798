"""Alerts as NDJSON in the Elastic Common Schema, for Filebeat, Elastic Agent or Logstash to pick up.

Source: Elastic Common Schema 8.17, field reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from zeekml.sinks.alert import AlertRecord, as_address
from zeekml.sinks.appended import AppendedFile
from zeekml.sinks.text import printable, utc

_ECS_VERSION: Final = "8.17.0"
_SEVERITY: Final = {True: 73, False: 47}  # Elastic's usual numbers for high and medium


class EcsSink:
    """Appends one JSON object a line to a file."""

    name = "ecs"
    most = 1000

    def __init__(self, path: Path) -> None:
        self._file = AppendedFile(path, _id_of)

    def deliver(self, records: Sequence[AlertRecord]) -> None:
        """Append the records that the file does not hold yet; SinkError."""
        self._file.append([(record.id, ecs_line(record)) for record in records])

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def ecs_line(record: AlertRecord) -> bytes:
    """One alert as a line of NDJSON, its line feed included."""
    return orjson.dumps(_document(record)) + b"\n"


def _document(record: AlertRecord) -> dict[str, Any]:
    source, source_ip = _end(record.orig_h, record.orig_p, record)
    destination, destination_ip = _end(record.resp_h, record.resp_p, record)
    network = {"transport": printable(record.proto)}
    if record.service is not None:
        network["protocol"] = printable(record.service)
    if source_ip is not None:
        network["type"] = "ipv6" if ":" in source_ip else "ipv4"
    verdict: dict[str, Any] = {
        "class": printable(record.class_name),
        "score": round(record.score, 6),
        "connections": record.n,
        "suppress_for": record.suppress_for,
        "model": printable(record.model),
        "stream": printable(record.stream),
    }
    if record.evidence is not None:
        verdict["evidence"] = round(record.evidence, 3)
    if record.sensor:
        verdict["sensor"] = list(record.sensor)
    if record.peers:
        verdict["evidence_peers"] = [printable(peer) for peer in record.peers]
    if record.ports:
        verdict["evidence_ports"] = [printable(port) for port in record.ports]
    peers = [str(address) for peer in record.peers if (address := as_address(peer)) is not None]
    event: dict[str, Any] = {
        "id": record.id,
        "kind": "alert",
        "category": ["network", "intrusion_detection"],
        "type": ["info"],
        "module": "zeekml",
        "dataset": "zeekml.alert",
        "action": record.short_note.lower().replace("_", "-"),
        "created": _time(record.made),
        "severity": _SEVERITY[record.about_host],
        "risk_score": round(100.0 * record.score, 4),
    }
    if record.reasons:
        event["reason"] = printable(record.reasons)
    return {
        "@timestamp": _time(record.ts),
        "ecs": {"version": _ECS_VERSION},
        "message": printable(record.message(), 1024),
        "event": event,
        "rule": {"name": record.note, "category": printable(record.class_name), "ruleset": "zeekml"},
        "source": source,
        "destination": destination,
        "network": network,
        "related": {"ip": sorted({ip for ip in (source_ip, destination_ip, *peers) if ip is not None})},
        "observer": {"vendor": "zeekml", "product": "zeekml", "type": "ids"},
        "zeek": {"session_id": printable(record.uid)},
        "zeekml": verdict,
    }


def _end(host: str, port: int, record: AlertRecord) -> tuple[dict[str, Any], str | None]:
    """One side of the connection; ``ip`` only where it is one: an index would refuse the whole document."""
    address = as_address(host)
    side: dict[str, Any] = {"address": printable(host)}
    if address is not None:
        side["ip"] = str(address)
    if record.has_ports:
        side["port"] = port
    return side, None if address is None else str(address)


def _time(seconds: float) -> str:
    return utc(seconds).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _id_of(line: bytes) -> str | None:
    try:
        return str(orjson.loads(line)["event"]["id"])
    except (ValueError, KeyError, TypeError):
        return None
