"""The HTTP server, on an ephemeral port of loopback."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator

import pytest

from zeekml.errors import ConfigError
from zeekml.operations import Health, Telemetry, serve
from zeekml.operations.server import Server, join_address, split_address


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry("m")


@pytest.fixture
def server(telemetry: Telemetry) -> Iterator[Server]:
    with serve(telemetry, Health(telemetry), "127.0.0.1:0") as running:
        assert running is not None
        yield running


def ask(server: Server, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    """Status, type and body of an answer."""
    connection = http.client.HTTPConnection(server.address, timeout=5)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
    finally:
        connection.close()


def test_metrics_are_served(server: Server) -> None:
    status, kind, body = ask(server, "/metrics")
    assert status == 200
    assert kind.startswith("text/plain; version=0.0.4")
    assert b"\nzeekml_logged_total 0.0\n" in body


def test_health_is_503_until_all_is_well(server: Server, telemetry: Telemetry) -> None:
    status, _, body = ask(server, "/healthz")
    assert (status, body[:8]) == (503, b"starting")
    telemetry.ready = True
    assert ask(server, "/healthz")[::2] == (200, b"ok\n")
    telemetry.output("one\ntwo")
    assert ask(server, "/healthz")[::2] == (503, b"one two\n")


def test_nothing_else_is_served(server: Server) -> None:
    assert ask(server, "/")[0] == 404
    assert ask(server, "/../etc/passwd")[0] == 404
    assert ask(server, "/metrics", "POST")[0] == 501
    assert ask(server, "/metrics", "HEAD")[::2] == (200, b"")


def test_silent_clients_do_not_keep_others_out_for_good(server: Server) -> None:
    before = threading.active_count()
    silent = [socket.create_connection(split_address(server.address)) for _ in range(20)]
    assert threading.active_count() - before <= 8
    for each in silent:
        each.close()
    for _ in range(50):
        try:
            assert ask(server, "/healthz")[0] == 503
            break
        except (ConnectionError, http.client.HTTPException):
            threading.Event().wait(0.05)
    else:
        pytest.fail("the server did not answer again")


def test_no_address_is_no_server(telemetry: Telemetry) -> None:
    with serve(telemetry, Health(telemetry), "") as server:
        assert server is None


def test_an_address_that_is_taken_is_a_config_error(server: Server, telemetry: Telemetry) -> None:
    with (
        pytest.raises(ConfigError, match=r"metrics\.listen: 127\.0\.0\.1:\d+ cannot be listened on"),
        serve(telemetry, Health(telemetry), server.address),
    ):
        pass


@pytest.mark.parametrize("address", ["127.0.0.1:80", "[::1]:9847"])
def test_addresses_are_split_and_joined(address: str) -> None:
    assert join_address(*split_address(address)) == address
