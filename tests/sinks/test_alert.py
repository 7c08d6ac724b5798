"""Alert records: made of notices, carried as JSON, known by an id."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given

from tests.alerts.logs import CLASSES
from tests.sinks.alerts import MADE, alerts_of_any_text, sample_alerts
from tests.sinks.samples import MODEL, POLICY, sample
from zeekml.alerts import AlertEngine, Explained
from zeekml.sinks.alert import AlertRecord, alert_id, alert_records, as_address


def test_a_record_says_what_notice_and_connection_say() -> None:
    frame, scores = sample()
    notices = AlertEngine(POLICY, CLASSES).process(frame, scores, "conn").notices
    explained = Explained(scores.class_index[:0], [])
    records = alert_records(notices, frame, explained, stream="s", model=MODEL, made=MADE)
    assert len(records) == len(notices) > 3
    for record, notice in zip(records, notices, strict=True):
        row = frame.iloc[notice.row]
        assert (record.note, record.class_name, record.n) == (notice.note, notice.class_name, notice.n)
        assert (record.score, record.evidence) == (notice.score, notice.evidence)
        assert (record.peers, record.ports) == (notice.peers, notice.ports) != ((), ())
        assert (record.uid, record.orig_h, record.resp_p) == (row["uid"], row["id.orig_h"], row["id.resp_p"])
        assert (record.stream, record.model, record.made) == ("s", MODEL, MADE)
    assert {record.service for record in records} >= {"http", None}


def test_no_notices_give_no_records() -> None:
    frame, scores = sample()
    assert alert_records([], frame, Explained(scores.class_index[:0], []), stream="", model="", made=0) == []


def test_the_id_is_the_same_for_the_same_alert_and_no_other() -> None:
    one = ("conn", "C1", "ZeekML::Botnet_Host", "PortScan", 1.5)
    assert alert_id(*one) == alert_id(*one) == "".join(filter(str.isalnum, alert_id(*one)))
    assert len(alert_id(*one)) == 32
    others = [("conn2", *one[1:]), ("con", "nC1", *one[2:]), (*one[:4], 1.500001), (*one[:3], "DDoS", 1.5)]
    assert len({alert_id(*one), *(alert_id(*other) for other in others)}) == 5


@given(alerts_of_any_text())
def test_json_gives_an_equal_record_back(record: AlertRecord) -> None:
    line = record.to_json()
    assert b"\n" not in line
    assert AlertRecord.from_json(line) == record
    assert line.startswith(b'{"id":"' + record.id.encode())  # the outbox goes by it


def test_a_line_of_before_sensors_were_looked_at_is_read() -> None:
    record = replace(sample_alerts()[0], sensor=())
    line = record.to_json().replace(b',"sensor":[]', b"")
    assert b"sensor" not in line
    assert AlertRecord.from_json(line) == record


def test_a_line_of_before_peers_and_ports_were_told_is_read() -> None:
    record = replace(sample_alerts()[0], peers=(), ports=())
    line = record.to_json().replace(b',"peers":[],"ports":[]', b"")
    assert b"peers" not in line
    assert AlertRecord.from_json(line) == record


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[1]",
        b'{"id": "x"}',
        b"\xff",
        sample_alerts()[0].to_json()[:-3],
        sample_alerts()[0].to_json().replace(b'"sensor":[]', b'"sensor":"gap"'),
        sample_alerts()[0].to_json().replace(b'"ports":["23/tcp"]', b'"ports":"23/tcp"'),
    ],
)
def test_what_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        AlertRecord.from_json(line)


def test_ports_of_icmp_are_none() -> None:
    record = sample_alerts()[0]
    assert record.has_ports
    assert not replace(record, proto="icmp").has_ports
    assert not replace(record, proto="ipv6-icmp").has_ports


@pytest.mark.parametrize("text", ["", "host", "1.2.3", "1.2.3.4\n", " 1.2.3.4", "fe80::1%eth0", "1.2.3.4/8"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert as_address(text) is None


def test_a_text_without_end_is_cut() -> None:
    frame, scores = sample()
    frame["uid"] = pd.Series(["x" * 3_000_000] * len(frame), dtype="object")
    notices = AlertEngine(POLICY, CLASSES).process(frame, scores, "conn").notices[:1]
    (record,) = alert_records(
        notices, frame, Explained(scores.class_index[:0], []), stream="s", model=MODEL, made=MADE
    )
    assert len(record.uid) == 4096
    assert len(record.to_json()) < 100_000
