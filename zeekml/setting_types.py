"""The types that settings are made of: what a value may be, and what is said of one that may not."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field

from zeekml.syslog_address import SyslogAddress

_PORT: Final = re.compile(r"(?P<port>\d{1,5})/(tcp|udp|icmp)")
_LISTEN: Final = re.compile(r"(?P<host>[0-9.]+|\[[0-9A-Fa-f:.]+\]):(?P<port>\d{1,5})")


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(
            f"expected an address or a network such as 10.0.0.0/8 or fd00::/8: {error}"
        ) from error
    return text


def _port(text: str) -> str:
    match = _PORT.fullmatch(text)
    if match is None or int(match["port"]) > 65535:
        raise ValueError("expected a port and its protocol, such as 443/tcp or 53/udp")
    return text


def _listen(text: str) -> str:
    match = _LISTEN.fullmatch(text)
    if text and (match is None or int(match["port"]) > 65535):
        raise ValueError("expected an address and a port, such as 127.0.0.1:9847 or [::1]:9847, or nothing")
    if match is not None:
        try:
            ipaddress.ip_address(match["host"].strip("[]"))
        except ValueError as error:
            raise ValueError(f"expected an address and a port, such as 127.0.0.1:9847: {error}") from error
    return text


def _syslog_address(text: str) -> str:
    return str(SyslogAddress.parse(text))


def _absolute(text: str) -> str:
    if not text.startswith("/") or "\0" in text:
        raise ValueError("expected an absolute path, such as /opt/zeek/logs")
    return text


def _as_date(value: object) -> object:
    """A date in quotes, or from a state folder, as YAML would read it bare."""
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Seconds = Annotated[float, Field(ge=0)]
Network = Annotated[str, AfterValidator(_network)]
Port = Annotated[str, AfterValidator(_port)]
Topic = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
Pattern = Annotated[str, Field(pattern=r"\S")]
AbsolutePath = Annotated[str, AfterValidator(_absolute)]
ListenAddress = Annotated[str, AfterValidator(_listen)]
SyslogTarget = Annotated[str, AfterValidator(_syslog_address)]
Listed = BeforeValidator(_as_tuple)
QuotedDate = BeforeValidator(_as_date)
Networks = Annotated[tuple[Network, ...], Listed]
NotEmpty = Field(min_length=1)  # an empty list would match nothing or everything, as one reads it
