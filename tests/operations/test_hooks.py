"""The events of a watch reach its metrics, systemd and the log."""

from __future__ import annotations

import http.client
import logging
import socket
from pathlib import Path

import pytest

from tests.operations.steps import MadeStep
from zeekml.config import MetricsSettings, Settings
from zeekml.drift.report import DriftReport
from zeekml.health.findings import Seen, finding
from zeekml.operations import watching
from zeekml.operations.sd_notify import Notifier


def settings(listen: str = "127.0.0.1:0") -> Settings:
    return Settings(metrics=MetricsSettings(listen=listen, min_free=0))


def test_a_watch_from_start_to_stop(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "zeekml")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(5)
        notifier = Notifier(str(tmp_path / "notify"), watchdog=60)
        with watching(settings(), [tmp_path], notifier) as operations:
            assert operations.server is not None
            connection = http.client.HTTPConnection(operations.server.address, timeout=5)
            connection.request("GET", "/healthz")
            assert connection.getresponse().status == 503
            operations.ready()
            assert systemd.recv(100).startswith(b"READY=1\n")
            assert systemd.recv(100) == b"WATCHDOG=1"
            operations.logs(2, {"/x": "no permission"})
            operations.beat()
            operations.idle()
            operations.stepped(MadeStep())
            operations.checkpointed(0.1, 1000)
            connection.close()
            connection.request("GET", "/healthz")
            assert connection.getresponse().status == 200
            connection.close()
            operations.stopping()
            assert systemd.recv(100).startswith(b"STOPPING=1\n")
    assert [record.message for record in caplog.records] == ["following", "stopping"]


def test_a_failing_sink_is_said_once_and_when_it_works_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "zeekml")
    with watching(settings("")) as operations:
        for problem in ("refused", "refused", "timed out", None, None):
            operations.sink("syslog", problem, 10)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "INFO"]


def test_drift_is_said_when_it_is_known_and_when_another_feature_moved_much(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "zeekml")
    calm, moved = ({"duration": 0.2}, {"duration": 0.3})
    with watching(settings("")) as operations:
        for index in (None, calm, calm, moved, calm, moved):
            operations.drift("a/conn.log", None if index is None else DriftReport(900, 0.01, 0.02, index))
        told = operations.telemetry.exposition().decode()
    assert caplog.messages == [
        "drift: 0 of 1 features moved much since training; most: duration 0.20; scores near the threshold: 1.00%, "
        "2.00% in training",
        "drift: 1 of 1 features moved much since training; most: duration 0.30; scores near the threshold: 1.00%, "
        "2.00% in training",
    ]
    assert 'zeekml_feature_stability_index{feature="duration",stream="a/conn.log"} 0.3' in told
    assert 'zeekml_near_threshold_share{stream="a/conn.log"} 0.01' in told
    assert 'zeekml_near_threshold_expected_share{stream="a/conn.log"} 0.02' in told
    assert 'zeekml_drift_connections{stream="a/conn.log"} 900.0' in told


def test_what_is_wrong_with_a_sensor_is_said_once_and_when_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "zeekml")
    gap, checksums = (finding(code, Seen(1, 1, 1, 1)) for code in ("gap", "bad-checksums"))
    with watching(settings("")) as operations:
        for found in ([], [gap], [gap], [checksums, gap], [checksums], []):
            operations.sensor("a/conn.log", found)
        operations.sensor("b/conn.log", [])
        told = operations.telemetry.exposition().decode()
    assert [(record.levelname, fields(record)) for record in caplog.records] == [
        ("WARNING", {"stream": "a/conn.log", "finding": "gap"}),
        ("WARNING", {"stream": "a/conn.log", "finding": "bad-checksums"}),
        ("INFO", {"stream": "a/conn.log", "finding": "gap"}),
        ("INFO", {"stream": "a/conn.log", "finding": "bad-checksums"}),
    ]
    assert gap.seen in caplog.messages[0]
    assert gap.cure in caplog.messages[0]
    for code in ("gap", "bad-checksums"):
        assert f'zeekml_sensor_finding{{finding="{code}",stream="a/conn.log"}} 0.0' in told


def fields(record: logging.LogRecord) -> dict[str, str]:
    """What a record gives apart from its message."""
    given: dict[str, str] = record.__dict__["fields"]
    return given


def test_an_output_that_fails_is_said_once_and_when_it_works_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "zeekml")
    with watching(settings("")) as operations:
        for problem in (None, "the disk is full", "the disk is full", None):
            operations.output(problem)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


def test_a_bad_reload_is_measured_and_left_to_the_watch_to_tell(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "zeekml")
    with watching(settings("")) as operations:
        operations.reloaded("site.yaml, line 3: alerts: unknown setting")
        assert b"zeekml_reload_failed 1.0" in operations.telemetry.exposition()
        operations.reloaded(None)
        assert b"zeekml_reload_failed 0.0" in operations.telemetry.exposition()
    assert not caplog.records
