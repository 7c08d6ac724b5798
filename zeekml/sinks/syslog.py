r"""Alerts as syslog messages over UDP, TCP or a UNIX socket, as plain text or as CEF.

Sources: RFC 5424 (the message), RFC 5426 (UDP: a message is a datagram), RFC 6587 section 3.4.1 (TCP: octet
counting). The text of a message is UTF-8 without a byte order mark, which section 6.4 of RFC 5424 allows.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Final, Literal

from zeekml.sinks.alert import AlertRecord
from zeekml.sinks.cef import cef_line
from zeekml.sinks.syslog_line import SyslogLine
from zeekml.sinks.text import listed, printable, utc
from zeekml.syslog_address import SyslogAddress

Payload = Literal["plain", "cef"]

FACILITIES: Final = {
    "user": 1, "daemon": 3, "auth": 4, "syslog": 5, "authpriv": 10, "local0": 16, "local1": 17, "local2": 18,
    "local3": 19, "local4": 20, "local5": 21, "local6": 22, "local7": 23,
}  # fmt: skip
"""Facility codes of RFC 5424, table 1, that a program may sensibly use."""

_WARNING, _NOTICE = 4, 5
_LONGEST_DATAGRAM: Final = 2048  # bytes that RFC 5426 says every receiver should take
_LONGEST: Final = 8192  # likewise RFC 5425, for streams
_LONGEST_LIST: Final = (
    200  # bytes: five IPv6 addresses, without which a datagram would have no room for the rest
)
_ENTERPRISE: Final = "zeekml@32473"
"""Name of the structured data; 32473 is the number that RFC 5612 keeps for whoever has none."""


class SyslogSink:
    """Sends one message an alert."""

    name = "syslog"
    most = 100

    def __init__(
        self,
        address: SyslogAddress,
        payload: Payload = "plain",
        *,
        facility: str = "local0",
        app_name: str = "zeekml",
        hostname: Callable[[], str] = socket.gethostname,
    ) -> None:
        """``facility``: a key of `FACILITIES`; ``hostname``: the name in the messages."""
        self._line = SyslogLine(address)
        self._payload = payload
        self._facility = FACILITIES[facility]
        self._app_name = app_name
        self._hostname = hostname
        self._longest = _LONGEST_DATAGRAM if address.kind == "udp" else _LONGEST

    def deliver(self, records: Sequence[AlertRecord]) -> None:
        """Send the records; SinkError when the receiver cannot be reached or did not take them in time."""
        self._line.send([self.message(record) for record in records])

    def close(self) -> None:
        """Close the socket."""
        self._line.close()

    def message(self, record: AlertRecord) -> bytes:
        """The message of one alert, without framing."""
        severity = _WARNING if record.about_host else _NOTICE
        head = (
            f"<{self._facility * 8 + severity}>1 {_time(record.made)} {_name(self._hostname(), 255)} "
            f"{_name(self._app_name, 48)} - {_name(record.short_note, 32)}"
        )
        if self._payload == "cef":
            return f"{head} - {cef_line(record)}".encode()
        head = f"{head} {_structured(record)} "
        text = f"{printable(record.message(), 1024)} {printable(record.facts(), 1024)}"
        room = max(0, self._longest - len(head.encode()))
        return head.encode() + text.encode()[:room].decode("utf-8", "ignore").encode()


def _structured(record: AlertRecord) -> str:
    """The alert as one element of structured data."""
    pairs = {
        "id": record.id,
        "note": record.note,
        "class": record.class_name,
        "score": f"{record.score:.6f}",
        "n": str(record.n),
        "uid": record.uid,
        "src": record.orig_h,
        "src_port": str(record.orig_p),
        "dst": record.resp_h,
        "dst_port": str(record.resp_p),
        "proto": record.proto,
        "service": record.service or "",
        "suppress_for": f"{record.suppress_for:g}",
        "model": record.model,
        "stream": record.stream,
    }
    if record.sensor:
        pairs["sensor"] = ",".join(record.sensor)
    texts = {key: printable(text, 128) for key, text in pairs.items()}
    for key, values in (("evidence_peers", record.peers), ("evidence_ports", record.ports)):
        if text := listed(values):
            texts[key] = text
    return f"[{_ENTERPRISE} " + " ".join(f'{key}="{_escaped(text)}"' for key, text in texts.items()) + "]"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("]", r"\]")


def _name(text: str, most: int) -> str:
    """A field of the header: printable ASCII without spaces, "-" for none."""
    return "".join(character for character in text if "!" <= character <= "~")[:most] or "-"


def _time(seconds: float) -> str:
    return utc(seconds).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
