"""Where syslog messages go: ``udp://HOST[:PORT]``, ``tcp://HOST[:PORT]`` or ``unix:///PATH``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Self, cast
from urllib.parse import urlsplit

Kind = Literal["udp", "tcp", "unix"]

_PORTS: Final = {"udp": 514, "tcp": 601}
"""Ports that RFC 5426 and RFC 6587 name."""


@dataclass(frozen=True, slots=True)
class SyslogAddress:
    """``host`` is a name or address, or the path of a UNIX socket, whose ``port`` is 0."""

    kind: Kind
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The address that a text names; ValueError says what was expected."""
        try:
            parts = urlsplit(text)
            kind, host, port = parts.scheme, parts.hostname, parts.port
        except ValueError as error:
            raise ValueError(f"{_EXPECTED}: {error}") from error
        if parts.query or parts.fragment or parts.username or "\0" in text:
            raise ValueError(_EXPECTED)
        if kind == "unix" and not parts.netloc and parts.path.startswith("/"):
            return cls("unix", parts.path, 0)
        if kind in _PORTS and host and port != 0 and not parts.path:
            return cls(cast(Kind, kind), host, _PORTS[kind] if port is None else port)
        raise ValueError(_EXPECTED)

    def __str__(self) -> str:
        if self.kind == "unix":
            return f"unix://{self.host}"
        return f"{self.kind}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


_EXPECTED: Final = "expected an address such as udp://192.0.2.1:514, tcp://collector:601 or unix:///dev/log"
