"""What the page holds: hosts in their order, peers, counts over time, whatever the order of the lines."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.logs import HOSTILE, START, notice, scored, write
from zeekml.drift.file import DriftFile, encode
from zeekml.drift.report import DriftReport
from zeekml.errors import InputError
from zeekml.report import Gathered, Limits, Source, document, gather_logs
from zeekml.report.gather import BIN
from zeekml.report.reading import LogReader
from zeekml.report.tally import Tally
from zeekml.report.used import Used
from zeekml.sinks.escapes import Format

Line = dict[str, Any]


def gathered(
    folder: Path,
    notices: Iterable[Line] = (),
    lines: Iterable[Line] = (),
    *,
    least: float = 0.5,
    pieces: int = 1,
    fmt: Format = "tsv",
) -> Gathered:
    """Both logs read and added up; each cut into ``pieces`` frames."""
    found = Gathered(least=least)
    for name, content, add in (
        ("notice.log", list(notices), found.add_notices),
        ("zeekml.log", list(lines), found.add_scored),
    ):
        raw = write(folder / name, content, fmt).read_bytes()
        for frame in LogReader(name).frames(io.BytesIO(raw)):
            step = -(-len(frame) // pieces)
            for at in range(0, len(frame), step):
                add(frame.iloc[at : at + step].reset_index(drop=True))
    return found


def made(found: Gathered, **limits: int) -> dict[str, Any]:
    return document(
        found, [Source("notice.log", "notice.log", 1)], [], made=START, version="1", limits=Limits(**limits)
    )


def rows(content: dict[str, Any], part: str) -> list[dict[str, Any]]:
    """The rows of a part, places of strings read."""
    texts = {"host", "peer", "proto", "class", "note", "uid", "why", "model", "sensor", "more",
             "evidence_peers", "evidence_ports"}  # fmt: skip
    strings = [*content["strings"], ""]
    columns = {name: values for name, values in content[part].items() if isinstance(values, list)}
    return [
        {name: strings[value] if name in texts else value for name, value in zip(columns, row, strict=True)}
        for row in zip(*columns.values(), strict=True)
    ]


def test_hosts_stand_by_evidence_then_score(tmp_path: Path) -> None:
    notices = [
        notice(10, evidence=12.5, n=4, **{"id.orig_h": "10.0.0.1"}),
        notice(20, evidence=40.0, n=2, why="the strongest", **{"id.orig_h": "10.0.0.2"}),
        notice(30, evidence=9.0, n=3, why="a later one", **{"id.orig_h": "10.0.0.2"}),
        notice(40, n=9, **{"id.orig_h": "10.0.0.3"}),
    ]
    lines = [
        scored(5, score=0.6, class_name="C&C", **{"id.orig_h": "10.0.0.4"}),
        scored(6, score=0.97, reasons="of a connection", **{"id.orig_h": "10.0.0.5"}),
        scored(7, score=0.4, **{"id.orig_h": "10.0.0.6"}),
        *(scored(8 + i, class_name="DDoS", **{"id.orig_h": "10.0.0.2"}) for i in range(5)),
    ]
    content = made(gathered(tmp_path, notices, lines))
    hosts = rows(content, "hosts")
    assert [host["host"] for host in hosts] == ["10.0.0.2", "10.0.0.1", "10.0.0.3", "10.0.0.5", "10.0.0.4"]
    first = hosts[0]
    assert (first["evidence"], first["notices"], first["n"], first["peers"]) == (40.0, 2, 5, 1)
    assert (first["first"], first["last"]) == (START + 8, START + 30)
    assert first["why"] == "the strongest"
    assert [host["why"] for host in hosts[3:]] == ["of a connection", "failed_share=0.98"]
    assert [(content["strings"][name], n) for name, n in first["classes"]] == [("DDoS", 5)]
    # Without a line in zeekml.log a host has as many connections as its notices count.
    assert (hosts[1]["n"], hosts[2]["n"]) == (4, 9)
    assert content["totals"] == {
        "hosts": 5,
        "named": 3,
        "notices": 4,
        "connections": 20,
        "pairsLeftOff": False,
    }
    assert (content["scored"], content["period"]) == (8, [START + 5, START + 40])


def test_the_least_score_decides_what_is_a_finding(tmp_path: Path) -> None:
    lines = [scored(at, score=at / 10) for at in range(10)]
    assert made(gathered(tmp_path, lines=lines, least=0.8))["totals"]["connections"] == 2
    assert made(gathered(tmp_path, lines=lines, least=0.0))["totals"]["connections"] == 10


def test_notices_of_others_are_counted_and_left_out(tmp_path: Path) -> None:
    content = made(gathered(tmp_path, [notice(note="Scan::Port_Scan"), notice(1)]))
    assert (content["otherNotices"], len(rows(content, "notices"))) == (1, 1)


def test_notices_alone_give_peers_and_counts(tmp_path: Path) -> None:
    notices = [notice(0, n=3), notice(4000, n=5), notice(4000, evidence=31.0, n=8)]
    content = made(gathered(tmp_path, notices))
    assert [(row["peer"], row["port"], row["n"]) for row in rows(content, "pairs")] == [
        ("198.51.100.7", 23, 3)
    ]
    assert sum(row["n"] for row in rows(content, "bars")) == 16
    assert content["scored"] == 0
    assert [row["evidence"] for row in rows(content, "notices")] == [None, None, 31.0]


def test_a_connection_of_a_notice_that_is_not_logged_is_a_peer_as_well(tmp_path: Path) -> None:
    content = made(
        gathered(tmp_path, [notice(evidence=31.0, **{"id.resp_h": "203.0.113.9"})], [scored(), scored(1)])
    )
    found = {(row["peer"], row["n"]) for row in rows(content, "pairs")}
    assert found == {("203.0.113.9", 1), ("198.51.100.7", 2)}


def test_a_scan_is_one_row_of_ports(tmp_path: Path) -> None:
    lines = [scored(at, **{"id.resp_h": f"198.51.100.{at}"}) for at in range(200)]
    content = made(gathered(tmp_path, lines=[*lines, scored(300, **{"id.resp_p": 6667})]))
    assert [(row["port"], row["peers"], row["n"], row["peer"]) for row in rows(content, "ports")] == [
        (23, 200, 200, ""),
        (6667, 1, 1, "198.51.100.7"),
    ]
    assert len(rows(content, "pairs")) == Limits().pairs
    assert rows(content, "hosts")[0]["pairs"] == 201


def test_shared_peers_are_those_of_two_hosts_and_not_a_scan_s(tmp_path: Path) -> None:
    one, two, three = ({"id.orig_h": f"10.0.0.{i}"} for i in (1, 2, 3))
    server = {"id.resp_h": "203.0.113.1", "id.resp_p": 443}
    lines = [
        *(scored(at, **host, **server) for at in range(3) for host in (one, two)),
        *(
            scored(at, **host, **{"id.resp_h": f"198.51.{at // 200}.{at % 200}"})
            for at in range(300)
            for host in (one, two)
        ),
        scored(1, **one, **{"id.resp_h": "203.0.113.2"}),
        scored(2, **three, **{"id.resp_h": "203.0.113.3", "id.resp_p": 80}),
    ]
    edges = rows(made(gathered(tmp_path, lines=lines)), "shared")
    assert {(edge["host"], edge["peer"], edge["n"]) for edge in edges} == {
        ("10.0.0.1", "203.0.113.1", 3),
        ("10.0.0.2", "203.0.113.1", 3),
    }
    # Where there are notices, only hosts that have one count.
    named = gathered(tmp_path, [notice(**one)], lines)
    assert rows(made(named), "shared") == []


def test_what_is_left_off_is_said(tmp_path: Path) -> None:
    notices = [notice(at, **{"id.orig_h": f"10.0.{at}.1"}) for at in range(20)]
    content = made(gathered(tmp_path, notices), hosts=5, notices=7)
    assert (len(rows(content, "hosts")), content["totals"]["hosts"]) == (5, 20)
    assert [row["ts"] for row in rows(content, "notices")] == [START + at for at in range(13, 20)]
    assert content["totals"]["notices"] == 20


@pytest.mark.parametrize("span", [0.0, 30.0, 3600.0, 86_400.0, 7 * 86_400.0, 20 * 365 * 86_400.0])
def test_steps_of_time_hold_the_whole_period(tmp_path: Path, span: float) -> None:
    content = made(gathered(tmp_path, lines=[scored(0), scored(span)]))
    bars = content["bars"]
    assert 1 <= bars["count"] <= Limits().bars
    assert all(0 <= at < bars["count"] for at in bars["at"])
    assert bars["start"] <= START
    assert bars["start"] + bars["step"] * bars["count"] > START + span
    assert bars["step"] % BIN == 0
    assert sum(bars["n"]) == 2


def test_nothing_found_is_a_document_too(tmp_path: Path) -> None:
    content = made(gathered(tmp_path, [], [scored(score=0.1)]))
    assert content["totals"] == {
        "hosts": 0,
        "named": 0,
        "notices": 0,
        "connections": 0,
        "pairsLeftOff": False,
    }
    json.dumps(content, allow_nan=False)


def test_health_and_models_are_told(tmp_path: Path) -> None:
    more = "sensor=one-sided,bad-checksums peers=10.0.0.9"
    marked = [scored(at, sensor=("bad-checksums", "gap")[: at + 1]) for at in range(2)]
    lines = [
        *marked,
        scored(2),
        scored(3, score=0.4, sensor=("clock",)),
        scored(4, **{"id.orig_h": "10.0.0.1"}, sensor=("gap",)),
    ]
    found = gathered(tmp_path, [notice(0, more=more), notice(1, model="other-1")], lines, pieces=2)
    assert found.models == Counter({"sample-1": 6, "other-1": 1})
    content = document(found, [], [Used("sample-1", 1, (("a", "b"),), 31.5)], made=0.0, version="1")
    said = [(content["strings"][host], content["strings"][code], *n) for host, code, *n in content["health"]]
    assert said == [
        ("192.168.1.10", "bad-checksums", 1, 2),
        ("192.168.1.10", "one-sided", 1, 0),
        ("10.0.0.1", "gap", 0, 1),
        ("192.168.1.10", "gap", 0, 1),
    ]
    first, second = rows(content, "notices")
    assert (first["sensor"], first["more"]) == ("one-sided,bad-checksums", "peers=10.0.0.9")
    assert (second["sensor"], second["more"]) == ("", "")
    (model,) = content["models"]
    assert (content["strings"][model["name"]], model["hostThreshold"]) == ("sample-1", 31.5)


def test_drift_beside_the_logs_is_told(tmp_path: Path) -> None:
    write(tmp_path / "notice.log", [notice(0)])
    index = {f"feature_{number}": 1.0 - number / 10 for number in range(9)}
    reports = {"a": DriftReport(900.4, 0.01, 0.02, index), HOSTILE: DriftReport(800, 0.5, None, {})}
    (tmp_path / "drift.json").write_bytes(encode(DriftFile(HOSTILE, START, reports)))
    found = Gathered()
    sources, problems = gather_logs([tmp_path], found)
    assert problems == []
    assert [(source.kind, source.lines) for source in sources] == [("notice.log", 1), ("drift.json", 2)]
    content = made(found)
    known, unknown = content["drift"]
    assert content["strings"][known["log"]] == "a"
    assert (known["lookedAt"], known["near"], known["nearExpected"]) == (900, 0.01, 0.02)
    assert (known["movedMuch"], known["features"]) == (8, 9)
    assert [content["strings"][name] for name, _ in known["most"]] == list(index)[:5]
    assert (unknown["movedMuch"], unknown["features"], unknown["most"]) == (0, 0, [])
    assert not any("\x1b" in text or "\u2028" in text for text in content["strings"])
    json.dumps(content, allow_nan=False)


def test_a_damaged_drift_file_is_a_problem_and_the_logs_are_told(tmp_path: Path) -> None:
    write(tmp_path / "notice.log", [notice(0)])
    (tmp_path / "drift.json").write_text('{"format": "zeekml drift 1", ')
    found = Gathered()
    sources, (problem,) = gather_logs([tmp_path], found)
    assert "is no drift.json as zeekml writes it" in str(problem)
    assert len(found.all_notices()) == 1
    assert made(found)["drift"] == []
    assert sources[1].problem is problem


def test_drift_alone_is_no_report_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "drift.json").write_bytes(encode(DriftFile("m", START, {})))
    with pytest.raises(InputError, match=r"holds no notice\.log"):
        gather_logs([tmp_path], Gathered())


@pytest.mark.parametrize("fmt", ["tsv", "json"])
def test_what_carries_the_evidence_is_told(tmp_path: Path, fmt: Format) -> None:
    lists = {"evidence_peers": ("198.51.100.7", "2001:db8::7"), "evidence_ports": ("23/tcp", "icmp")}
    one, other = rows(
        made(gathered(tmp_path, [notice(0, **lists), notice(1)], [scored(0)], fmt=fmt)), "notices"
    )
    assert one["evidence_peers"] == "198.51.100.7, 2001:db8::7"
    assert one["evidence_ports"] == "23/tcp, icmp"
    assert other["evidence_peers"] == other["evidence_ports"] == "", (
        "as a log of before they were told has it"
    )


def test_texts_are_on_one_line_and_without_controls(tmp_path: Path) -> None:
    names = ("uid", "id.orig_h", "id.resp_h", "proto")
    content = made(
        gathered(
            tmp_path,
            [
                notice(
                    **dict.fromkeys(names, HOSTILE),
                    class_name=HOSTILE,
                    model=HOSTILE,
                    why=HOSTILE,
                    evidence=31.0,
                )
            ],
            [scored(**dict.fromkeys([*names, "reasons", "model"], HOSTILE), class_name=HOSTILE)],
        )
    )
    assert any("<script>" in text for text in content["strings"])
    for text in content["strings"]:
        assert text.isprintable()
    assert rows(content, "hosts")[0]["n"] == 1


HOSTS = st.sampled_from(["10.0.0.1", "10.0.0.2", "192.168.7.7"])
NOTICES = st.lists(
    st.builds(
        lambda at, host, name, evidence, n: notice(
            at, class_name=name, evidence=evidence, n=n, **{"id.orig_h": host}
        ),
        st.integers(0, 10**6), HOSTS, st.sampled_from(["C&C", "Spam"]), st.none() | st.integers(8, 99),
        st.integers(1, 9),
    ),
    unique_by=lambda line: line["ts"], max_size=12,
)  # fmt: skip
SCORED = st.lists(
    st.builds(
        lambda at, host, score, port: scored(at, score=score / 100, **{"id.orig_h": host, "id.resp_p": port}),
        st.integers(0, 10**6), HOSTS, st.integers(0, 100), st.sampled_from([23, 80]),
    ),
    unique_by=lambda line: line["ts"], max_size=12,
)  # fmt: skip


def as_sets(content: dict[str, Any]) -> dict[str, Any]:
    parts = {}
    for part in ("hosts", "pairs", "ports", "shared", "bars", "notices"):
        lines = []
        for row in rows(content, part):
            row.pop("why", None)  # of two that are equally strong it is the first
            row["classes"] = [(content["strings"][name], n) for name, n in row.pop("classes", [])]
            lines.append(json.dumps(row, sort_keys=True))
        parts[part] = sorted(lines)
    return {**parts, "totals": content["totals"], "period": content["period"]}


@given(notices=NOTICES, lines=SCORED, pieces=st.integers(1, 5))
def test_the_order_and_the_cuts_of_the_logs_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, notices: list[Line], lines: list[Line], pieces: int
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    once = made(gathered(folder, notices, lines))
    again = made(gathered(folder, notices[::-1], lines[::-1], pieces=pieces))
    assert as_sets(once) == as_sets(again)


def test_a_tally_keeps_the_strongest_groups_within_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas as pd

    monkeypatch.setattr("zeekml.report.tally._PENDING", 10)
    tally = Tally(["key"], {"n": "sum", "score": "max"}, most=4)
    for at in range(40):
        tally.add(pd.DataFrame({"key": [at, 0], "n": [1, 1], "score": [at / 100, 1.0]}))
    table = tally.table().set_index("key")
    assert tally.left_off
    assert len(table) <= 2 * 4 + 10
    assert table.loc[0, "n"] == 41


def test_many_hosts_share_the_room_of_a_page(tmp_path: Path) -> None:
    lines = [
        scored(
            at * 50,
            **{"id.orig_h": f"10.0.0.{at % 10}", "id.resp_h": f"198.51.100.{at % 97}", "id.resp_p": at % 89},
        )
        for at in range(2000)
    ]
    content = made(gathered(tmp_path, lines=lines), rows=80)
    assert len(content["pairs"]["n"]) == len(content["ports"]["n"]) == 80
    assert len(content["bars"]["n"]) <= 80
    assert sum(content["bars"]["n"]) == 2000
    assert content["bars"]["start"] + content["bars"]["step"] * content["bars"]["count"] > START + 100_000
