"""Suricata's flow events as connections."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest

from tests.records.logs import FLOW, ndjson, read_text
from zeekml.records.eve import conn_state


def flow(**changes: Any) -> dict[str, Any]:
    """The made flow with some keys changed; ``flow__x`` and ``tcp__x`` reach into the inner objects."""
    event: dict[str, Any] = copy.deepcopy(FLOW)
    for key, value in changes.items():
        outer, _, inner = key.rpartition("__")
        target = event[outer] if outer else event
        if value is None:
            target.pop(inner)
        else:
            target[inner] = value
    return event


def one(folder: Path, event: dict[str, Any]) -> pd.Series[Any]:
    result = read_text(folder, ndjson([event]))
    assert result.reasons == []
    return result.frame.iloc[0]


def test_every_field_of_the_mapping(tmp_path: Path) -> None:
    row = one(tmp_path, flow())
    expected = {
        "ts": 1795428000.123456,
        "uid": "1028410075553831",
        "id.orig_h": "192.168.1.5",
        "id.orig_p": 50000,
        "id.resp_h": "93.184.216.34",
        "id.resp_p": 443,
        "proto": "tcp",
        "service": "ssl",
        "duration": 2.5,
        "conn_state": "SF",
        "orig_pkts": 10,
        "orig_ip_bytes": 1000,
        "resp_pkts": 8,
        "resp_ip_bytes": 4000,
    }
    assert row.dropna().to_dict() == expected


def test_other_events_are_passed_over_and_broken_ones_rejected(tmp_path: Path) -> None:
    content = ndjson([{"event_type": "dns", "dns": {}}, flow(), {"event_type": "stats"}, {"no": 1}, [1]])
    content += b'{"event_type":"flow","flow":{"sta\n\n' + ndjson([flow(flow=7), flow(flow__start="soon")])
    result = read_text(tmp_path, content)
    assert len(result.frame) == 1
    assert result.passed_over == 3
    assert result.reasons == [
        "event_type is unset",
        "not a JSON object",
        "not JSON",
        "flow is unset",
        "flow.start is not an ISO 8601 time",
    ]


def test_a_log_without_flows_is_still_eve(tmp_path: Path) -> None:
    result = read_text(tmp_path, ndjson([{"event_type": "alert"}]))
    assert (len(result.frame), result.passed_over, result.error) == (0, 1, None)


def test_offsets_count(tmp_path: Path) -> None:
    row = one(
        tmp_path,
        flow(flow__start="2026-11-23T12:00:00.123456+0200", flow__end="2026-11-23T12:00:02.623456+0200"),
    )
    assert (row["ts"], row["duration"]) == (1795428000.123456, 2.5)


def test_the_link_header_never_takes_bytes_below_zero(tmp_path: Path) -> None:
    assert one(tmp_path, flow(flow__bytes_toserver=60))["orig_ip_bytes"] == 0


def test_a_single_packet_has_no_duration(tmp_path: Path) -> None:
    assert pd.isna(one(tmp_path, flow(flow__pkts_toserver=1, flow__pkts_toclient=0))["duration"])


@pytest.mark.parametrize(
    ("changes", "ports"),
    [
        ({"icmp_type": 8, "icmp_code": 0}, (8, 0)),
        ({"icmp_type": 3, "icmp_code": 1}, (3, 1)),
        ({"proto": "IPv6-ICMP", "icmp_type": 135, "icmp_code": 0, "src_ip": "fe80::1"}, (135, 136)),
        ({"proto": "GRE"}, (0, 0)),
    ],
)
def test_protocols_without_ports(tmp_path: Path, changes: dict[str, Any], ports: tuple[int, int]) -> None:
    row = one(
        tmp_path,
        flow(**{"proto": "ICMP", **changes}, src_port=None, dest_port=None, tcp=None, app_proto="failed"),
    )
    assert (row["id.orig_p"], row["id.resp_p"]) == ports
    assert row["conn_state"] == "OTH"
    assert row["proto"] == ("gre" if changes.get("proto") == "GRE" else "icmp")
    assert pd.isna(row["service"])


@pytest.mark.parametrize(
    ("to_server", "to_client", "state"),
    [
        ("02", "00", "S0"),
        ("02", "14", "REJ"),
        ("06", "00", "RSTOS0"),
        ("03", "00", "SH"),
        ("00", "13", "SHR"),
        ("10", "16", "RSTRH"),
        ("1a", "12", "S1"),
        ("1b", "1b", "SF"),
        ("1f", "1b", "SF"),
        ("1b", "1a", "S2"),
        ("1a", "1b", "S3"),
        ("1e", "1a", "RSTO"),
        ("1a", "1e", "RSTR"),
        ("00", "00", "OTH"),
    ],
)
def test_tcp_states(to_server: str, to_client: str, state: str) -> None:
    assert conn_state("tcp", {"tcp_flags_ts": to_server, "tcp_flags_tc": to_client}, 1, 1) == state


def test_states_without_flags() -> None:
    assert conn_state("tcp", None, 3, 3) == "OTH"
    assert conn_state("udp", None, 2, 1) == "SF"
    assert conn_state("udp", None, 2, 0) == "S0"
    assert conn_state("udp", None, 0, 2) == "SHR"
    assert conn_state("icmp", None, 2, 2) == "OTH"


def test_flags_that_are_no_hex_are_rejected(tmp_path: Path) -> None:
    result = read_text(tmp_path, orjson.dumps(flow(tcp__tcp_flags_ts="zz")) + b"\n")
    assert result.reasons == ["tcp.tcp_flags_ts is not a number in hex"]
