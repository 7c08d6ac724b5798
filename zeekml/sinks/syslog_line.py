"""A connection to a syslog receiver, made when there is something to send and again after it broke."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import socket
import struct
import termios
import time
from collections.abc import Sequence
from typing import Final

from zeekml.errors import SinkError
from zeekml.syslog_address import SyslogAddress

CONNECT_WITHIN: Final = 3.0
SEND_WITHIN: Final = 5.0
"""Seconds; a receiver that takes longer counts as out of reach."""

_ASK_AGAIN: Final = 0.005  # s


class SyslogLine:
    """Sends messages framed as the transport wants it."""

    def __init__(self, address: SyslogAddress) -> None:
        self._address = address
        self._socket: socket.socket | None = None

    def send(self, messages: Sequence[bytes]) -> None:
        """Send all messages; SinkError when one could not be handed over."""
        try:
            line = self._connected()
            if line.type == socket.SOCK_DGRAM:
                for message in messages:
                    line.send(message)
            else:
                line.sendall(b"".join(b"%d %s" % (len(message), message) for message in messages))
                self._wait_for_receipt(line)
        except OSError as error:
            self.close()
            raise SinkError(f"syslog at {self._address}: {error.strerror or error}") from error

    def close(self) -> None:
        """Close the socket, if there is one."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._socket = None

    def _connected(self) -> socket.socket:
        if self._socket is not None and not _was_closed(self._socket):
            return self._socket
        self.close()
        self._socket = self._connect()
        self._socket.settimeout(SEND_WITHIN)
        return self._socket

    def _connect(self) -> socket.socket:
        address = self._address
        if address.kind == "unix":
            try:
                return _unix(address.host, socket.SOCK_DGRAM)
            except OSError as error:
                if error.errno != errno.EPROTOTYPE:  # what says that the socket takes streams
                    raise
                return _unix(address.host, socket.SOCK_STREAM)
        if address.kind == "tcp":
            return socket.create_connection((address.host, address.port), timeout=CONNECT_WITHIN)
        family, kind, protocol, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_DGRAM
        )[0]
        line = socket.socket(family, kind, protocol)
        try:
            line.connect(place)  # so that a refusal by the host is told
        except OSError:
            line.close()
            raise
        return line

    def _wait_for_receipt(self, line: socket.socket) -> None:
        """Wait until the other side's system has confirmed every byte: sent is not yet received."""
        until = time.monotonic() + SEND_WITHIN
        while _unconfirmed(line):
            if _was_closed(line):
                raise ConnectionResetError(errno.ECONNRESET, "the receiver closed the connection")
            if time.monotonic() > until:
                raise TimeoutError(errno.ETIMEDOUT, f"not confirmed within {SEND_WITHIN:g} s")
            time.sleep(_ASK_AGAIN)
        if error := line.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):  # a reset empties the queue as well
            raise OSError(error, os.strerror(error))


def _unix(path: str, kind: socket.SocketKind) -> socket.socket:
    line = socket.socket(socket.AF_UNIX, kind)
    line.settimeout(CONNECT_WITHIN)
    try:
        line.connect(path)
    except OSError:
        line.close()
        raise
    return line


def _unconfirmed(line: socket.socket) -> int:
    """Bytes in the send queue (SIOCOUTQ of tcp(7) and unix(7), the same number as TIOCOUTQ)."""
    return int(struct.unpack("i", fcntl.ioctl(line.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0])


def _was_closed(line: socket.socket) -> bool:
    """Whether the receiver has closed a stream, which a send would notice only the time after."""
    if line.type == socket.SOCK_DGRAM:
        return False
    waiting = select.poll()
    waiting.register(line, select.POLLIN)
    return bool(waiting.poll(0)) and line.recv(1, socket.MSG_PEEK) == b""
