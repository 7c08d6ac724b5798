"""What is sent to systemd's socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operations.steps import Clock
from zeekml.operations.sd_notify import Notifier


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket that receives, at ``tmp_path/notify``."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiving:
        receiving.bind(str(tmp_path / "notify"))
        receiving.settimeout(5)
        yield receiving


def waiting(systemd: socket.socket) -> list[str]:
    """All that was sent so far."""
    systemd.setblocking(False)
    found = []
    while True:
        try:
            found.append(systemd.recv(4096).decode())
        except BlockingIOError:
            return found


def test_states_are_sent(systemd: socket.socket, tmp_path: Path) -> None:
    notifier = Notifier(str(tmp_path / "notify"))
    notifier.ready("following 2 logs")
    notifier.status("two\nlines")
    notifier.stopping()
    notifier.close()
    notifier.ready("nothing is sent any more")
    sent = waiting(systemd)
    assert sent[:2] == ["READY=1\nSTATUS=following 2 logs", "STATUS=two lines"]
    assert sent[2].startswith("STOPPING=1\nSTATUS=stopping")
    assert len(sent) == 3


def test_the_watchdog_is_pinged_three_times_in_its_period(systemd: socket.socket, tmp_path: Path) -> None:
    clock = Clock()
    notifier = Notifier(str(tmp_path / "notify"), watchdog=30, clock=clock)
    for _ in range(30):
        notifier.alive()
        clock.now += 1
    notifier.close()
    assert waiting(systemd) == ["WATCHDOG=1"] * 3


def test_an_abstract_socket_is_reached() -> None:
    name = f"zeekml-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiving:
        receiving.bind(f"\0{name}")
        notifier = Notifier(f"@{name}")
        notifier.status("well")
        notifier.close()
        assert waiting(receiving) == ["STATUS=well"]


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "/nonexistent/socket", "WATCHDOG_USEC": "1"}])
def test_without_a_listener_nothing_happens(environment: dict[str, str]) -> None:
    notifier = Notifier.from_environment(environment)
    notifier.ready("following")
    notifier.alive()
    notifier.stopping()
    notifier.close()


@pytest.mark.parametrize(
    ("extra", "pings"),
    [
        ({"WATCHDOG_USEC": "1000000"}, 1),
        ({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}, 0),
        ({"WATCHDOG_USEC": "0"}, 0),
        ({"WATCHDOG_USEC": "soon"}, 0),
        ({}, 0),
    ],
)
def test_pings_are_sent_when_they_are_asked_of_this_process(
    systemd: socket.socket, tmp_path: Path, extra: dict[str, str], pings: int
) -> None:
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": str(tmp_path / "notify"), **extra})
    notifier.alive()
    notifier.close()
    assert len(waiting(systemd)) == pings
