"""Tells systemd how the service is: a few words over a UNIX datagram socket.

Source: sd_notify(3) and sd_watchdog_enabled(3). Without systemd nothing is sent. Nothing here blocks or
raises: a supervisor that does not listen is no reason to stop.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping


class Notifier:
    """Sends states to the socket that systemd named, if it named one."""

    def __init__(
        self, address: str | None, watchdog: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``address``: a path, or ``@name`` for an abstract one; ``watchdog``: seconds after which systemd
        would end a silent service."""
        self._address = address
        self._every = None if watchdog is None else watchdog / 3
        self._clock = clock
        self._pinged = float("-inf")
        self._socket: socket.socket | None = None
        if address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Notifier:
        """As ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID`` say."""
        watchdog = None
        meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        with contextlib.suppress(ValueError):
            microseconds = int(environment.get("WATCHDOG_USEC", ""))
            watchdog = microseconds / 1e6 if meant and microseconds > 0 else None
        return cls(environment.get("NOTIFY_SOCKET"), watchdog)

    def ready(self, status: str) -> None:
        """The service has begun its work, or has finished reloading."""
        self._send("READY=1", f"STATUS={status}")

    def alive(self) -> None:
        """Pings the watchdog, three times in the period it was given and no more often."""
        if self._every is not None and (now := self._clock()) - self._pinged >= self._every:
            self._pinged = now
            self._send("WATCHDOG=1")

    def status(self, status: str) -> None:
        """One line for ``systemctl status``."""
        self._send(f"STATUS={status}")

    def stopping(self) -> None:
        """The service has begun to stop."""
        self._send("STOPPING=1", "STATUS=stopping: finishing what was begun")

    def close(self) -> None:
        """Sends nothing from now on."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, *states: str) -> None:
        if self._socket is None or self._address is None:
            return
        # A line break would begin another state.
        text = "\n".join(" ".join(state.splitlines()) for state in states)
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError):
            self._socket.sendto(text.encode("utf-8", "backslashreplace"), address)
