"""Syslog over loopback: framing, breaks, receivers that are away. Nothing else is contacted."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sinks.alerts import some_alerts
from zeekml.errors import SinkError
from zeekml.sinks import syslog_line
from zeekml.sinks.syslog import FACILITIES, SyslogSink
from zeekml.syslog_address import SyslogAddress


def sink_to(address: str) -> SyslogSink:
    return SyslogSink(SyslogAddress.parse(address), hostname=lambda: "sensor")


def read_frames(connection: socket.socket, count: int) -> list[bytes]:
    """So many octet-counted messages."""
    connection.settimeout(5)
    data = b""
    frames: list[bytes] = []
    while len(frames) < count:
        size, _, rest = data.partition(b" ")
        if rest[int(size or 0) :] or (size and len(rest) == int(size)):
            frames.append(rest[: int(size)])
            data = rest[int(size) :]
            continue
        part = connection.recv(65536)
        assert part, "the sender closed"
        data += part
    assert not data
    return frames


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        yield server


def address_of(listener: socket.socket) -> str:
    return f"tcp://127.0.0.1:{listener.getsockname()[1]}"


def test_udp_sends_a_datagram_an_alert() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        sink = sink_to(f"udp://127.0.0.1:{receiver.getsockname()[1]}")
        sink.deliver(some_alerts(2))
        sink.close()
        for record in some_alerts(2):
            assert receiver.recv(65536) == sink.message(record)


def test_udp_tells_a_refusal() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        port = receiver.getsockname()[1]
    with pytest.raises(SinkError, match=rf"udp://127\.0\.0\.1:{port}: Connection refused"):
        sink_to(f"udp://127.0.0.1:{port}").deliver(some_alerts(20))


def test_tcp_counts_octets(listener: socket.socket) -> None:
    sink = sink_to(address_of(listener))
    sink.deliver(some_alerts(2))
    connection, _ = listener.accept()
    sink.deliver(some_alerts(1, 2))
    with connection:
        assert read_frames(connection, 3) == [sink.message(record) for record in some_alerts(3)]
    sink.close()


def test_tcp_connects_again_after_the_receiver_went(listener: socket.socket) -> None:
    sink = sink_to(address_of(listener))
    sink.deliver(some_alerts(1))
    first, _ = listener.accept()
    read_frames(first, 1)
    first.close()
    sink.deliver(some_alerts(1, 1))  # the close was seen: no message goes into a dead connection
    second, _ = listener.accept()
    with second:
        assert read_frames(second, 1) == [sink.message(some_alerts(1, 1)[0])]
    sink.close()


def test_tcp_tells_who_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = address_of(server)
    sink = sink_to(address)
    for _ in range(2):
        with pytest.raises(SinkError, match=f"syslog at {address}: Connection refused"):
            sink.deliver(some_alerts(1))


def test_tcp_does_not_wait_for_ever_for_a_receiver_that_does_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(syslog_line, "SEND_WITHIN", 0.2)
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        sink = sink_to(address_of(server))
        with pytest.raises(SinkError, match=r"timed out|not confirmed within"):
            sink.deliver(some_alerts(20_000))


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_unix_sockets_of_both_kinds(tmp_path: Path, kind: socket.SocketKind) -> None:
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, kind) as receiver:
        receiver.bind(str(path))
        receiver.settimeout(5)
        sink = sink_to(f"unix://{path}")
        if kind == socket.SOCK_DGRAM:
            sink.deliver(some_alerts(1))
            found = [receiver.recv(65536)]
        else:
            receiver.listen()
            sender = threading.Thread(target=sink.deliver, args=(some_alerts(1),))  # waits for its receipt
            sender.start()
            connection, _ = receiver.accept()
            with connection:
                found = read_frames(connection, 1)
            sender.join(5)
        sink.close()
    assert found == [sink.message(some_alerts(1)[0])]


def test_a_unix_socket_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="No such file"):
        sink_to(f"unix://{tmp_path}/log").deliver(some_alerts(1))


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("udp://192.0.2.1", "udp://192.0.2.1:514"),
        ("tcp://collector", "tcp://collector:601"),
        ("tcp://[2001:db8::1]:6514", "tcp://[2001:db8::1]:6514"),
        ("unix:///dev/log", "unix:///dev/log"),
    ],
)
def test_addresses(text: str, whole: str) -> None:
    assert str(SyslogAddress.parse(text)) == whole
    assert SyslogAddress.parse(whole) == SyslogAddress.parse(text)


@pytest.mark.parametrize(
    "text",
    ["", "collector", "collector:514", "udp://", "udp://h:99999", "udp://h:0", "tls://h:6514", "tcp://h/path",
     "tcp://user@h", "unix://dev/log", "unix:///a\0b", "udp://[::1", "tcp://h?x", "unix:///a?b", "unix:///a#b"],
)  # fmt: skip
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="expected an address such as udp://"):
        SyslogAddress.parse(text)


def test_facilities_are_those_of_the_settings() -> None:
    from typing import get_args

    from zeekml.config import SyslogSettings

    assert set(get_args(SyslogSettings.model_fields["facility"].annotation)) == set(FACILITIES)
