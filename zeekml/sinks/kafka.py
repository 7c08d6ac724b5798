"""Alerts as messages of a Kafka topic: Elastic Common Schema documents, keyed by the alert's id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from zeekml.errors import SinkError
from zeekml.kafka.client import client_settings
from zeekml.sinks.alert import AlertRecord
from zeekml.sinks.ecs import ecs_line

_TIMEOUT: Final = 20.0
"""Seconds after which what the brokers did not confirm counts as not taken."""


class KafkaSink:
    """Sends one message an alert, and waits until the brokers have confirmed them."""

    name = "kafka"
    most = 1000

    def __init__(
        self, brokers: str, topic: str, options: Mapping[str, str], *, timeout: float = _TIMEOUT
    ) -> None:
        self._brokers = brokers
        self._topic = topic
        self._options = dict(options)
        self._timeout = timeout
        self._producer: Any = None

    def deliver(self, records: Sequence[AlertRecord]) -> None:
        """Send the records; SinkError when one of them was not confirmed in time."""
        from confluent_kafka import KafkaException, Producer  # noqa: PLC0415  an extra

        failures: list[str] = []

        def confirmed(error: object, _message: object) -> None:
            if error is not None:
                failures.append(str(error))

        try:
            if self._producer is None:
                self._producer = Producer(self._settings())
            for record in records:
                value = ecs_line(record).rstrip(b"\n")
                self._producer.produce(self._topic, value, key=record.id, on_delivery=confirmed)
            left = self._producer.flush(self._timeout + 1.0)
        except (KafkaException, BufferError, ValueError, TypeError) as error:
            self._drop()
            raise SinkError(f"kafka: {self._brokers}: {error}; check sinks.kafka") from error
        if left or failures:
            self._drop()
            why = failures[0] if failures else "no answer in time"
            raise SinkError(
                f"kafka: {self._brokers}: topic {self._topic} did not take {left + len(failures)} of {len(records)} "
                f"alerts: {why}; check sinks.kafka and what this user may write"
            )

    def close(self) -> None:
        """Let go of the connections."""
        self._drop()

    def _settings(self) -> dict[str, Any]:
        return client_settings(
            self._brokers,
            self._options,
            enable_idempotence=True,
            message_timeout_ms=int(self._timeout * 1000),
        )

    def _drop(self) -> None:
        """What was not confirmed is given again: nothing may be sent later by the old producer."""
        if self._producer is not None:
            self._producer.purge()
            self._producer.poll(0)
        self._producer = None
