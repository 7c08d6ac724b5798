"""Alerts as messages."""

from __future__ import annotations

import pytest

from tests.kafka.cluster import MockCluster
from tests.sinks.alerts import some_alerts
from zeekml.errors import SinkError
from zeekml.sinks.ecs import ecs_line
from zeekml.sinks.kafka import KafkaSink

RECORDS = some_alerts(5)


def test_alerts_are_messages_keyed_by_their_ids() -> None:
    cluster = MockCluster()
    sink = KafkaSink(cluster.brokers, "alerts", {})
    sink.deliver(RECORDS)
    sink.close()
    sink.deliver(RECORDS[:1])  # opened anew
    found = cluster.read("alerts", len(RECORDS) + 1)
    wanted = [(record.id.encode(), ecs_line(record).strip()) for record in [*RECORDS, RECORDS[0]]]
    assert sorted(found, key=str) == sorted(wanted, key=str)
    sink.close()


def test_brokers_that_do_not_answer_are_told() -> None:
    sink = KafkaSink("127.0.0.1:1", "alerts", {"log_level": "0"}, timeout=0.5)
    with pytest.raises(SinkError, match=r"topic alerts did not take .* check sinks\.kafka"):
        sink.deliver(RECORDS[:2])
    sink.close()


def test_wrong_options_are_told() -> None:
    with pytest.raises(SinkError, match=r"no\.such"):
        KafkaSink("127.0.0.1:1", "alerts", {"no.such": "x"}).deliver(RECORDS[:1])
