"""The optional sinks byte for byte.

To accept a change that is meant: ZEEKML_WRITE_GOLDEN=1 pytest tests/sinks/test_optional_golden.py
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sinks.alerts import MADE, sample_alerts
from zeekml.sinks.alerts_table import AlertsTableSink
from zeekml.sinks.cef import cef_line
from zeekml.sinks.ecs import EcsSink
from zeekml.sinks.eve_alert import EveAlertSink
from zeekml.sinks.syslog import SyslogSink
from zeekml.syslog_address import SyslogAddress

GOLDEN = Path(__file__).parent.parent / "data" / "sinks"


def ecs(path: Path) -> bytes:
    EcsSink(path).deliver(sample_alerts())
    return path.read_bytes()


def eve(path: Path) -> bytes:
    EveAlertSink(path).deliver(sample_alerts())
    return path.read_bytes()


def table(path: Path) -> bytes:
    AlertsTableSink(path, clock=lambda: MADE + 0.5).deliver(sample_alerts())
    return path.read_bytes()


def syslog(_: Path) -> bytes:
    sink = SyslogSink(SyslogAddress.parse("udp://127.0.0.1"), hostname=lambda: "sensor")
    return b"".join(sink.message(record) + b"\n" for record in sample_alerts())


def syslog_cef(_: Path) -> bytes:
    address = SyslogAddress.parse("tcp://127.0.0.1")
    sink = SyslogSink(address, "cef", facility="daemon", hostname=lambda: "sensor")
    return b"".join(sink.message(record) + b"\n" for record in sample_alerts())


def cef(_: Path) -> bytes:
    return "".join(cef_line(record) + "\n" for record in sample_alerts()).encode()


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("alerts-ecs.ndjson", ecs),
        ("alerts-eve.json", eve),
        ("alerts.tsv", table),
        ("alerts.syslog", syslog),
        ("alerts-cef.syslog", syslog_cef),
        ("alerts.cef", cef),
    ],
)
def test_alerts_are_those_kept(tmp_path: Path, name: str, make: Callable[[Path], bytes]) -> None:
    found = make(tmp_path / name)
    kept = GOLDEN / name
    if os.environ.get("ZEEKML_WRITE_GOLDEN"):
        kept.write_bytes(found)
    assert found == kept.read_bytes()
