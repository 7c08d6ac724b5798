"""Serves ``/metrics`` and ``/healthz`` over HTTP, from threads of its own."""

from __future__ import annotations

import logging
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Final

from zeekml.errors import ConfigError
from zeekml.operations.health import Health
from zeekml.operations.telemetry import CONTENT_TYPE, Telemetry

_log = logging.getLogger(__name__)
_AT_ONCE: Final = 8
"""Requests answered at the same time; further ones are hung up on."""
_PATIENCE: Final = 5.0
"""Seconds that a client may take to say what it wants."""


class Server:
    """Where a telemetry is served. ``address``: ``host:port`` as bound."""

    def __init__(self, address: str) -> None:
        self.address = address


@contextmanager
def serve(telemetry: Telemetry, health: Health, listen: str) -> Iterator[Server | None]:
    """Serve on ``listen`` (``address:port``; port 0 takes a free one) inside the block; "" serves nothing.

    Raises ConfigError when the address cannot be listened on.
    """
    if not listen:
        yield None
        return
    host, port = split_address(listen)
    try:
        server = _HTTPServer((host, port), telemetry, health)
    except OSError as error:
        raise ConfigError(
            f"metrics.listen: {listen} cannot be listened on: {error.strerror or error}. Does another watch run? "
            'Give this one another port, or "" for no metrics.'
        ) from error
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="metrics", daemon=True)
    thread.start()
    try:
        yield Server(join_address(host, server.server_address[1]))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def split_address(listen: str) -> tuple[str, int]:
    """``127.0.0.1:9847`` or ``[::1]:9847`` as host and port."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def join_address(host: str, port: int) -> str:
    """The reverse of ``split_address``."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16

    def __init__(self, address: tuple[str, int], telemetry: Telemetry, health: Health) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.telemetry = telemetry
        self.health = health
        self._room = threading.BoundedSemaphore(_AT_ONCE)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer's own would look the host's name up

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        _log.debug("a reader of the metrics went away", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: _HTTPServer
    timeout = _PATIENCE
    server_version = "zeekml"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    _TEXT: ClassVar = "text/plain; charset=utf-8"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(HTTPStatus.OK, CONTENT_TYPE, self.server.telemetry.exposition())
        elif path == "/healthz":
            problems = self.server.health.problems()
            status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
            text = "\n".join(" ".join(problem.splitlines()) for problem in problems or ["ok"])
            self._answer(status, self._TEXT, f"{text}\n".encode("utf-8", "backslashreplace"))
        else:
            self._answer(HTTPStatus.NOT_FOUND, self._TEXT, b"/metrics and /healthz are here\n")

    do_HEAD = do_GET  # noqa: N815

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing is said of a request."""
