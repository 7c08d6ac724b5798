"""A running watch, read and told; and what is no watch."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.operations.steps import MadeStep
from zeekml.drift.report import DriftReport
from zeekml.operations import Health, Telemetry, serve
from zeekml.operations.status import Reading, describe, read_watch


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry("conn-1-res", wall=lambda: 1_700_000_000.0)


def shown(telemetry: Telemetry) -> dict[str, str]:
    with serve(telemetry, Health(telemetry), "127.0.0.1:0") as server:
        assert server is not None
        reading = read_watch(server.address)
    assert isinstance(reading, Reading)
    return dict(describe(reading, 1_700_000_000.0 + 3 * 3600 + 12 * 60))


def test_a_watch_is_told_for_people(telemetry: Telemetry) -> None:
    telemetry.ready = True
    telemetry.stepped(MadeStep(connections={"a.log": 1_200, "b.log": 34}, rejects=2))
    telemetry.sink("syslog", errors=3, waiting=2048)
    telemetry.logs(2, 1)
    assert shown(telemetry)["last checkpoint"] == "none yet"
    telemetry.checkpointed(0.1, 100)
    rows = shown(telemetry)
    assert rows["last checkpoint"] == "0.0 s ago"
    assert rows["running"].startswith("3 h 12 min, since 2023-11-1")
    assert rows["health"] == "well"
    assert rows["model"] == "conn-1-res"
    assert rows["connections"] == "1,234"
    assert rows["rejected lines"] == "2"
    assert rows["alerting connections"] == "4"
    assert rows["  PortScan"] == "3"
    assert rows["logs"] == "2 followed, 1 cannot be read: see the log"
    assert rows["behind"].startswith("10 B, 0.")
    assert rows["batch time"] == "250 ms on average, 1 batches"
    assert rows["sink syslog"] == "3 errors, 2 KiB waiting"


def test_what_is_wrong_with_sensors_is_shown(telemetry: Telemetry) -> None:
    assert "sensor" not in shown(telemetry)
    telemetry.sensor("a.log", ["gap", "clock"])
    telemetry.sensor("b.log", ["one-sided"])
    telemetry.sensor("a.log", [])
    assert shown(telemetry)["sensor"] == "one-sided in b.log: see the log"


def test_drift_is_shown(telemetry: Telemetry) -> None:
    assert "drift" not in shown(telemetry)
    telemetry.drift("a.log", DriftReport(900, 0.013, None, {}))
    assert shown(telemetry)["drift"] == (
        "a.log: features: not available, the model does not say what it was trained on; scores near the threshold: "
        "1.30%"
    )
    telemetry.drift(
        "a.log", DriftReport(900, 0.013, 0.01, {"host_tries": 0.7, "duration": 0.3, "resp_pkts": 0.1})
    )
    assert shown(telemetry)["drift"] == (
        "a.log: 2 of 3 features moved much since training; most: host_tries 0.70, duration 0.30, resp_pkts 0.10; "
        "scores near the threshold: 1.30%, 1.00% in training"
    )


def test_an_ill_watch_says_so(telemetry: Telemetry) -> None:
    telemetry.output("/out/notice.log cannot be written: the disk is full")
    rows = shown(telemetry)
    assert rows["health"].startswith("starting")
    assert rows[""] == "/out/notice.log cannot be written: the disk is full"


def test_nothing_that_runs_is_said_clearly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    said = read_watch(f"127.0.0.1:{port}")
    assert isinstance(said, str)
    assert said.startswith("no watch runs here")


class Other(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<html>\n{ not metrics"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def other() -> Iterator[str]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Other)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_another_server_is_no_watch(other: str) -> None:
    said = read_watch(other)
    assert isinstance(said, str)
    assert "is no watch of zeekml" in said


def test_what_speaks_no_http_is_no_watch() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"

        def answer() -> None:
            client, _ = server.accept()
            with client:
                client.recv(1000)
                client.sendall(b"SSH-2.0-x\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        said = read_watch(address)
        thread.join()
    assert isinstance(said, str)
    assert "does not answer as a watch does" in said
