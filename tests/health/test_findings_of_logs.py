"""What is wrong with a log is named, and nothing else is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.builders import frame_of, random_log
from tests.health.made import START, healthy, log_of, scan
from zeekml.health import CODES, Finding, SensorHealth
from zeekml.records import Rejects, discover, read_batches
from zeekml.simulate import Scenario, write_traffic


def found(*frames: pd.DataFrame) -> dict[str, Finding]:
    """The findings of a log that comes in these batches."""
    health = SensorHealth()
    for frame in frames:
        health.process(frame, "conn.log")
    return {each.code: each for each in health.end_stream("conn.log")}


@pytest.mark.parametrize(
    "code", [code for code in CODES if code not in ("gap", "clock", "no-answers", "one-sided")]
)
def test_what_is_wrong_is_named_and_nothing_else(code: str) -> None:
    assert set(found(log_of((code, 1500)))) == {code}


def test_a_healthy_log_is_silent() -> None:
    assert not found(log_of(("healthy", 4000)))


def test_a_direction_that_is_missing_shows_in_connections_and_in_hosts() -> None:
    assert set(found(log_of(("one-sided", 1500)))) == {"one-sided", "no-answers"}


def test_a_scanner_does_not_make_a_log_unhealthy() -> None:
    assert not found(log_of(("healthy", 300), ("scan", 4000), ("healthy", 300)))


def test_part_of_a_log_is_enough() -> None:
    seen = found(log_of(("healthy", 1500), ("bad-checksums", 1000), ("healthy", 1500)))["bad-checksums"].seen
    assert " of 16 parts of the log (2023-11-14 22:3" in seen


def test_a_few_bad_checksums_are_nothing() -> None:
    rows = healthy(np.random.default_rng(1), 1200, START)
    for each in rows[::4]:
        each["history"] = "ShADCadFf"
    assert not found(frame_of(rows))


def test_queries_to_groups_need_no_answer() -> None:
    rows = healthy(np.random.default_rng(1), 1200, START)
    for i, each in enumerate(rows):
        if i % 3:
            each.update({"id.resp_h": ("224.0.0.251", "192.168.1.255", "ff02::fb")[i % 3], "proto": "udp"})
            each |= {
                "conn_state": "S0",
                "history": "D",
                "resp_pkts": 0.0,
                "resp_bytes": 0.0,
                "id.orig_h": f"10.0.0.{i % 9}",
            }
    assert not found(frame_of(rows))


@pytest.mark.parametrize("hosts", [1, 2, 3])
def test_nobody_is_answered_is_told_of_three_hosts_on(hosts: int) -> None:
    rows = [each for each in scan(np.random.default_rng(2), 1200, START) if each["history"] == "S"]
    for i, each in enumerate(rows):
        each["id.orig_h"] = f"192.168.1.{i % hosts}"
    assert set(found(frame_of(rows))) == ({"no-answers"} if hosts > 2 else set())


def test_a_pause_longer_than_a_thousand_connections_take_is_a_gap() -> None:
    told = found(log_of(("healthy", 1500), ("pause", 7200), ("healthy", 600)))
    assert set(told) == {"gap"}
    assert told["gap"].seen.startswith("1 gap without any connection, the longest of 2.0 h")
    assert told["gap"].thresholds_hold
    assert not found(log_of(("healthy", 1500), ("pause", 500), ("healthy", 600)))


def test_a_connection_that_spans_a_pause_shows_that_the_sensor_was_there() -> None:
    log = log_of(("healthy", 1500), ("pause", 7200), ("healthy", 600))
    log.loc[1400, "duration"] = 8000.0
    assert not found(log)


def test_a_slow_log_has_no_gaps() -> None:
    log = random_log(3, 3000, step=400.0)
    assert not {"gap", "clock"} & set(found(log))


@pytest.mark.parametrize("after", [1024, 1100, 1279])
def test_a_clock_that_goes_back_is_told_once(after: int) -> None:
    told = found(log_of(("healthy", after), ("back", 90_000), ("healthy", 1500)))
    assert set(told) == {"clock"}
    assert told["clock"].seen.startswith("the clock went back 1 time, by 2")
    assert "h at most" in told["clock"].seen


def test_lines_that_come_late_are_no_clock_that_goes_back() -> None:
    log = log_of(("healthy", 4000))
    late = np.random.default_rng(4).random(len(log)) < 0.3
    log.loc[late, "ts"] -= 3600.0
    assert not found(log)


def test_a_log_sorted_by_its_beginnings_is_healthy_too() -> None:
    log = log_of(("healthy", 3000))
    log.loc[::50, "duration"] = 20_000.0
    assert not found(log)


def test_a_log_without_history_is_judged_by_the_rest() -> None:
    log = log_of(("one-sided", 1500))
    log["history"] = pd.Categorical([None] * len(log), dtype=pd.CategoricalDtype(pd.Index([], dtype="str")))
    assert set(found(log)) == {"no-answers"}


def test_a_handful_of_connections_is_not_judged() -> None:
    assert not found(log_of(("bad-checksums", 40)))
    assert set(found(log_of(("bad-checksums", 60)))) == {"bad-checksums"}


def test_made_traffic_is_healthy(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    write_traffic(path, Scenario(connections=20_000, seed=11))
    assert not findings_of(path)


def findings_of(path: Path) -> dict[str, Finding]:
    """The findings of a log on disk."""
    [stream] = discover([str(path)]).streams
    return found(*(batch.frame for log in stream.files for batch in read_batches(log, "", rejects=Rejects())))


NAMED: Mapping[str, set[str]] = {
    "home-alexban": {"bad-checksums"},
    "home-belgium-mptcp": {"bad-checksums"},
    "ics-4sics": {"reversed"},
    "iot23-34-1-mirai": {"bad-checksums"},
    # A fifth of their connections with payload and more lack bytes.
    "ctu-ubuntu-2023-02-20": {"missed-bytes"},
    "ctu-windows-008": {"missed-bytes"},
    "ctu-windows-011": {"missed-bytes"},
    # Captures of different days, weeks and months put into one log.
    "domainator_roguerobin-net": {"gap"},
    "domainator_roguerobin-ps": {"gap"},
    "domainator_saitama": {"gap"},
    "iot-sentinel-a": {"gap"},
    "iot-sentinel-c": {"gap"},
    "ipv6-lab-2012": {"gap"},
    "mobile-apps-brno-a": {"gap"},
}


def test_of_the_public_captures_the_unhealthy_ones_are_named(shared_data: Path) -> None:
    paths = [
        path
        for place in ("zeek", "zeek/sandbox", "made")
        for path in sorted((shared_data / place).glob("*.gz"))
    ]
    assert len(paths) > 100
    told = {path.name.partition(".conn.")[0]: set(findings_of(path)) for path in paths}
    assert {name: codes for name, codes in told.items() if codes} == NAMED
