"""The golden logs are what the writers make today, and tell of the same connections in every flavour."""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np
import orjson
import pytest

from tests.made import GOLDEN, LOGS, sample
from zeekml.simulate.table import LABELS, MICROSECONDS, SERVICES, STATES

LARGEST = 60_000


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_log_is_what_the_writer_makes(name: str) -> None:
    assert (LOGS / name).read_bytes() == GOLDEN[name](), "python -m tests.made writes the golden logs anew"
    assert (LOGS / name).stat().st_size < LARGEST


def test_no_golden_log_is_left_over() -> None:
    assert {path.name for path in LOGS.iterdir() if not path.name.startswith(".")} == set(GOLDEN)


def test_the_sample_holds_every_kind() -> None:
    table = sample()
    assert set(table.label) == set(range(len(LABELS)))
    assert set(table.service) == set(range(len(SERVICES)))
    assert set(table.conn_state) == set(range(len(STATES)))
    assert (np.diff(table.ends) >= 0).all()


def tsv(name: str, separator: str = "\t", unset: str = "-") -> list[dict[str, str]]:
    """A golden TSV log as rows of text, without its unset fields."""
    lines = (LOGS / name).read_text(encoding="utf-8").splitlines()
    names = next(line for line in lines if line.startswith("#fields")).split(separator)[1:]
    rows = [line.split(separator) for line in lines if not line.startswith("#")]
    return [
        {field: value for field, value in zip(names, values, strict=True) if value != unset}
        for values in rows
    ]


def json(name: str) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in (LOGS / name).read_bytes().splitlines()]


def test_the_tsv_flavours_differ_in_their_marks_only() -> None:
    plain = tsv("zeek7.conn.log")
    assert tsv("custom-marks.conn.log", "|", "NA") == plain
    comma = tsv("commas.conn.log", ",")
    assert [{name: value.replace("\\x2c", ",") for name, value in row.items()} for row in comma] == plain
    labelled = tsv("labelled.conn.log")
    assert [{name: row[name] for name in row if "label" not in name} for row in labelled] == plain
    assert {(row["label"], row.get("detailed-label")) for row in labelled} == set(LABELS)


def test_the_iot23_flavour_joins_its_last_columns_with_spaces() -> None:
    lines = (LOGS / "iot23.conn.log.labeled").read_bytes().split(b"\r\n")
    assert lines.pop() == b""
    assert not lines[-1].startswith(b"#close")
    assert b"tunnel_parents   label   detailed-label" in lines[6]
    endings = {line.rsplit(b"\t", 1)[1] for line in lines if not line.startswith(b"#")}
    assert {b"-   Benign   -", b"-   Malicious   C&C"} <= endings


def test_json_tells_what_tsv_tells() -> None:
    for told, written in zip(json("epoch.conn.json"), tsv("zeek7.conn.log"), strict=True):
        assert set(told) == set(written)
        for name, text in written.items():
            value = told[name]
            if isinstance(value, bool):
                assert text == ("T" if value else "F")
            elif isinstance(value, float | int):
                assert math.isclose(float(text), value, rel_tol=0, abs_tol=6e-7), name
            else:
                assert value == text


def test_the_forms_of_json_time_agree() -> None:
    for seconds, millis, iso in zip(
        json("epoch.conn.json"), json("millis.conn.json"), json("iso8601.conn.json"), strict=True
    ):
        moment = datetime.fromisoformat(str(iso["ts"])).timestamp()
        assert moment == seconds["ts"]
        assert isinstance(millis["ts"], int)
        assert millis["ts"] == int(moment * 1000 + 1e-6)
        assert {**millis, "ts": 0} == {**iso, "ts": 0} == {**seconds, "ts": 0}


def test_eve_tells_of_the_same_connections() -> None:
    flows = [event for event in json("eve.json") if event["event_type"] == "flow"]
    others = {event["event_type"] for event in json("eve.json")} - {"flow"}
    assert {"dns", "http", "tls"} <= others
    rows = tsv("zeek7.conn.log")[: len(flows)]
    for event, row in zip(flows, rows, strict=True):
        flow = event["flow"]
        assert isinstance(flow, dict)
        assert (event["src_ip"], event["dest_ip"]) == (row["id.orig_h"], row["id.resp_h"])
        assert str(event["proto"]).lower() == row["proto"]
        ports = ("icmp_type", "icmp_code") if row["proto"] == "icmp" else ("src_port", "dest_port")
        assert tuple(str(event[name]) for name in ports) == (row["id.orig_p"], row["id.resp_p"])
        start, end = (datetime.fromisoformat(flow[name]).timestamp() for name in ("start", "end"))
        assert f"{start:.6f}" == row["ts"]
        assert end - start == pytest.approx(float(row.get("duration", 0)), abs=1 / MICROSECONDS)
        for side, way in (("orig", "toserver"), ("resp", "toclient")):
            packets = int(row[f"{side}_pkts"])
            assert flow[f"pkts_{way}"] == packets
            assert flow[f"bytes_{way}"] == int(row[f"{side}_ip_bytes"]) + 14 * packets
