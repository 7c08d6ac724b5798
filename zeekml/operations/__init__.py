"""What keeps a watch running for a year: metrics, health, systemd, logging, ``status`` and ``doctor``."""

from __future__ import annotations

from zeekml.operations.health import Health
from zeekml.operations.hooks import Operations, watching
from zeekml.operations.server import Server, serve
from zeekml.operations.telemetry import Step, Telemetry

__all__ = ["Health", "Operations", "Server", "Step", "Telemetry", "serve", "watching"]
