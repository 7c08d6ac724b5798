"""A watch as systemd runs it: ready, pinging, measured, ill, stopped."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zeekml.operations.status import Reading, read_watch


class Service:
    """A running ``zeekml watch`` with the socket that it notifies."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.listen = f"127.0.0.1:{free.getsockname()[1]}"
        self.systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.systemd.bind(str(folder / "notify"))
        self.systemd.settimeout(60)
        (folder / "site.yaml").write_text(
            f"metrics: {{listen: '{self.listen}', min_free: 0}}\nlogging: {{format: json}}\n"
        )
        environment = os.environ | {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "3000000"}
        environment.pop("WATCHDOG_PID", None)
        command = [
            "watch",
            "conn.log",
            "--from-start",
            "--out",
            "out",
            "--state",
            "state",
            "--config",
            "site.yaml",
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "zeekml", *command],
            cwd=folder,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def told(self, state: str) -> str:
        """Wait until systemd is told this."""
        while True:
            message = self.systemd.recv(4096).decode()
            if state in message.split("\n"):
                return message

    def until(self, holds: Callable[[Reading], bool]) -> Reading:
        """Ask for metrics until they are as wanted."""
        for _ in range(300):
            reading = read_watch(self.listen)
            if isinstance(reading, Reading) and holds(reading):
                return reading
            time.sleep(0.05)
        pytest.fail(f"it did not come to that; last: {reading}")

    def close(self) -> None:
        self.process.kill()
        self.process.wait(10)
        assert self.process.stderr is not None
        self.process.stderr.close()
        self.systemd.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = Service(tmp_path)
    yield running
    running.close()


def test_a_service_from_start_to_stop(service: Service, made_log: Path, tmp_path: Path) -> None:
    service.told("READY=1")
    service.told("WATCHDOG=1")
    assert service.until(lambda _: True).problems == []

    shutil.copy(made_log, tmp_path / "conn.log")
    reading = service.until(lambda reading: reading.total("zeekml_connections_total") == 20_000)
    assert reading.total("zeekml_notices_total") > 0
    assert reading.total("zeekml_logs_followed") == 1
    assert reading.total("zeekml_lag_seconds") < 30
    service.told("WATCHDOG=1")

    began = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    service.told("STOPPING=1")
    assert service.process.wait(30) == 0
    assert time.monotonic() - began < 5
    assert isinstance(read_watch(service.listen), str)
