"""Whatever stands in a log, a record of any sink stays one record, with the fields that it should have."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import given, settings

from tests.sinks.alerts import HOSTILE, alerts_of_any_text, sample_alerts
from tests.sinks.zeek_escapes import decode_set, decode_tsv
from zeekml.sinks.alert import AlertRecord, as_address
from zeekml.sinks.alerts_table import FIELDS, AlertsTableSink
from zeekml.sinks.cef import cef_line
from zeekml.sinks.ecs import ecs_line
from zeekml.sinks.eve_alert import eve_line
from zeekml.sinks.syslog import SyslogSink
from zeekml.sinks.text import MOST_CHARACTERS, listed, printable, utc
from zeekml.syslog_address import SyslogAddress

# What no line of ours may hold, as it stands: controls, line separators, marks of direction, half characters.
FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def is_safe(text: str) -> bool:
    return FORBIDDEN.search(text) is None


@pytest.mark.parametrize("line_of", [ecs_line, eve_line])
@given(record=alerts_of_any_text())
def test_json_lines(line_of: Any, record: AlertRecord) -> None:
    line: bytes = line_of(record)
    assert line.endswith(b"\n")
    assert is_safe(line[:-1].decode())
    assert all(map(is_safe, texts_in(orjson.loads(line))))


def texts_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in inner for text in texts_in(part)]


@given(alerts_of_any_text())
def test_ecs_names_an_ip_only_where_there_is_one(record: AlertRecord) -> None:
    document = orjson.loads(ecs_line(record))
    for side, text in (("source", record.orig_h), ("destination", record.resp_h)):
        assert ("ip" in document[side]) == (as_address(text) is not None)
        assert ("port" in document[side]) == record.has_ports
    assert document["event"]["id"] == orjson.loads(eve_line(record))["zeekml"]["id"] == record.id


@given(alerts_of_any_text())
def test_cef(record: AlertRecord) -> None:
    line = cef_line(record)
    assert is_safe(line)
    *header, extension = re.split(r"(?<!\\)(?:\\\\)*\|", line, maxsplit=7)
    assert len(header) == 7
    keys = re.findall(r"(?:^| )(\w+)=", re.sub(r"\\.", "", extension))
    pairs = read_extension(extension)
    assert keys == list(pairs)
    assert pairs["externalId"] == record.id
    assert pairs["cs1"].strip() == printable(record.uid, 1024).strip()
    assert pairs["msg"].strip() == printable(record.message(), 1024).strip()
    for key, values in (("cs5", record.peers), ("cs6", record.ports)):
        assert pairs.get(key, "").strip() == listed(values).strip()


def read_extension(text: str) -> dict[str, str]:
    """The pairs of an extension as a reader of CEF splits them: at a key and an equals sign not escaped."""
    found = list(re.finditer(r"(?:^| )(\w+)(?<!\\)=", re.sub(r"\\.", lambda _: "\0\0", text)))
    ends = [match.start() for match in found[1:]] + [len(text)]
    return {
        match[1]: re.sub(r"\\(.)", r"\1", text[match.end() : end])
        for match, end in zip(found, ends, strict=True)
    }


@pytest.mark.parametrize("payload", ["plain", "cef"])
@pytest.mark.parametrize("address", ["udp://127.0.0.1", "tcp://127.0.0.1"])
@given(record=alerts_of_any_text())
@settings(max_examples=50)
def test_syslog(record: AlertRecord, payload: Any, address: str) -> None:
    sink = SyslogSink(SyslogAddress.parse(address), payload, hostname=lambda: "a b\n\x1b")
    message = sink.message(record).decode()
    assert is_safe(message)
    head = re.match(r"<13[23]>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ab zeekml - (Botnet_\w+) ", message)
    assert head is not None
    rest = message[head.end() :]
    if payload == "cef":
        assert rest.startswith("- CEF:0|")
        return
    element = re.match(r'\[zeekml@32473((?: \w+="(?:[^"\\\]]|\\["\\\]])*")*)\](?: |$)', rest)
    assert element is not None
    values = dict(re.findall(r' (\w+)="((?:[^"\\\]]|\\.)*)"', element[1]))
    assert values["id"] == record.id
    assert re.sub(r"\\(.)", r"\1", values["uid"]) == printable(record.uid, 128)
    for key, texts in (("evidence_peers", record.peers), ("evidence_ports", record.ports)):
        assert re.sub(r"\\(.)", r"\1", values.get(key, "")) == listed(texts)


@given(alerts_of_any_text())
def test_the_length_of_a_message_is_bounded(record: AlertRecord) -> None:
    for address, longest in (("udp://127.0.0.1", 2048), ("tcp://127.0.0.1", 8192)):
        assert len(SyslogSink(SyslogAddress.parse(address)).message(record)) <= longest


@given(alerts_of_any_text())
@settings(max_examples=50)
def test_the_table(record: AlertRecord) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "alerts.tsv"
        AlertsTableSink(path, clock=lambda: 1.5).deliver([record])
        header, types, row, end = path.read_bytes().decode().split("\n")
        kept = AlertsTableSink(path, clock=lambda: 99.0)
        kept.deliver([record])  # its id is found again
        assert path.read_bytes().decode().split("\n")[2] == row
    assert (header, end) == ("#fields\t" + "\t".join(name for name, _ in FIELDS), "")
    assert types.startswith("#types\tstring\t")
    assert not re.search("[\x00-\x08\x0a-\x1f\x7f-\x9f]", row)
    cells = dict(zip((name for name, _ in FIELDS), row.split("\t"), strict=True))
    assert "\\" not in re.sub(r"\\x[0-9a-f]{2}", "", row)  # Zeek's reader knows no other escape
    for name, value in (("uid", record.uid), ("service", record.service), ("kind", record.class_name)):
        assert decode_tsv(cells[name]) == (value or None)
    for name, value in (("orig_h", record.orig_h), ("resp_h", record.resp_h)):
        assert cells[name] == ("-" if as_address(value) is None else str(as_address(value)))
    assert cells["written"] == "1.500000"
    addresses = [str(address) for peer in record.peers if (address := as_address(peer)) is not None]
    assert cells["evidence_peers"] == (",".join(addresses) or "-")
    assert cells["evidence_ports"].count(",") == max(0, len(record.ports) - 1)
    if record.ports not in ((), ("",), ("(empty)",)):
        assert decode_set(cells["evidence_ports"]) == list(record.ports)


@given(alerts_of_any_text())
def test_json_has_what_carries_the_evidence_in_lists(record: AlertRecord) -> None:
    for line in (ecs_line(record), eve_line(record)):
        verdict = orjson.loads(line)["zeekml"]
        for name, values in (("evidence_peers", record.peers), ("evidence_ports", record.ports)):
            assert verdict.get(name, []) == [printable(value) for value in values]
    related = orjson.loads(ecs_line(record))["related"]["ip"]
    assert {str(found) for peer in record.peers if (found := as_address(peer)) is not None} <= set(related)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((), ""),
        (("a", "b,c"), r"a,b\x2cc"),
        (("x" * 300, "y"), ""),
        (("a", "é" * 120, "b"), "a"),
        (("ffff:" * 7 + "ffff",) * 6, ",".join(("ffff:" * 7 + "ffff",) * 5)),
    ],
)
def test_a_list_holds_what_fits(values: tuple[str, ...], text: str) -> None:
    assert listed(values) == text


def test_the_hostile_sample_is_hostile() -> None:
    assert not is_safe(HOSTILE)
    assert HOSTILE in sample_alerts()[-1].message()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\n", r"a\x09b\x0a"),
        ("\x1b[2J", r"\x1b[2J"),
        ("naïve 漢", "naïve 漢"),
        ("\u202eabc\u2028", r"\xe2\x80\xaeabc\xe2\x80\xa8"),
        ("\udcff", r"\xff"),
        ("\ud800", r"\xed\xa0\x80"),
        ("x" * 300, "x" * (MOST_CHARACTERS - 1) + "…"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(("seconds", "year"), [(-5.0, 1970), (1e18, 9999), (float("inf"), 9999), (1.5, 1970)])
def test_any_time_is_a_moment(seconds: float, year: int) -> None:
    assert utc(seconds).year == year
