"""Settings of a Kafka client, and how the absence of the package is told."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Mapping
from typing import Any, Final

from zeekml.errors import ConfigError

log: Final = logging.getLogger("zeekml.kafka")


def check_installed() -> None:
    """ConfigError that says how to get the package."""
    if importlib.util.find_spec("confluent_kafka") is None:
        raise ConfigError(
            "Kafka needs confluent-kafka, not installed here: pip install 'zeekml[kafka]', or leave kafka out of the "
            "settings"
        )


def client_settings(brokers: str, options: Mapping[str, str], **own: object) -> dict[str, Any]:
    """Settings for a client; ``own`` (with underscores for dots) go over the user's ``options``."""
    return {
        "client.id": "zeekml",
        "logger": log,
        "error_cb": _told,
        **options,
        "bootstrap.servers": brokers,
        **{name.replace("_", "."): value for name, value in own.items()},
    }


def _told(error: object) -> None:
    """What a client says of its connections; it goes on trying by itself."""
    log.warning("%s", error)
