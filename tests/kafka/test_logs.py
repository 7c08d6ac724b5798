"""Topics are followed from where the positions say, each message once."""

from __future__ import annotations

import importlib.util
import logging
import time
from collections.abc import Callable
from typing import Any, Literal

import pytest

from tests.kafka.cluster import MockCluster
from tests.kafka.test_messages import ZEEK
from zeekml.config import KafkaSettings
from zeekml.errors import ConfigError, StateError
from zeekml.kafka import client, logs
from zeekml.kafka.logs import KafkaLogs, TopicPosition
from zeekml.records import Rejects

TOPIC = "conn"
STREAM = "kafka:conn"


@pytest.fixture
def cluster() -> MockCluster:
    return MockCluster()


def follow(
    cluster: MockCluster,
    positions: dict[str, Any] | None = None,
    start: Literal["start", "end"] = "start",
    **settings: Any,
) -> KafkaLogs:
    chosen = KafkaSettings(**{"brokers": cluster.brokers, "topics": (TOPIC,), **settings})
    return KafkaLogs(chosen, start=start, positions=positions or {}, rejects=Rejects(), commit_every=0.0)


def uids_until(followed: KafkaLogs, done: Callable[[], bool], most: int = 50) -> list[str]:
    """What polls give until ``done``; a mock cluster answers within moments."""
    found: list[str] = []
    until = time.monotonic() + 120
    while time.monotonic() < until:
        for batch in followed.poll(most):
            found += batch.frame["uid"].tolist()
        if done():
            return found
    raise AssertionError("not done in two minutes")


def caught_up(followed: KafkaLogs) -> list[str]:
    return uids_until(followed, lambda: followed.caught_up)


def uids(lines: list[bytes]) -> list[str]:
    return [line.split(b'"uid":"')[1].split(b'"')[0].decode() for line in lines]


def test_every_message_once_across_restarts(cluster: MockCluster) -> None:
    cluster.write(TOPIC, ZEEK[:70], 0)
    cluster.write(TOPIC, ZEEK[70:], 1)
    first = follow(cluster)
    found = uids_until(first, lambda: True, most=30)
    while not found:
        found = uids_until(first, lambda: True, most=30)
    assert 0 < len(found) < len(ZEEK)
    kept = {stream: position.to_json() for stream, position in first.positions.items()}
    first.close()

    again = follow(cluster, kept, "end")
    found += caught_up(again)
    assert sorted(found) == sorted(uids(ZEEK))
    assert [uid for uid in found if uid in uids(ZEEK[:70])] == uids(ZEEK[:70])  # the order of each partition
    assert again.lag == {STREAM: 0}
    assert again.problems == {}
    cluster.write(TOPIC, ZEEK[:5], 0)
    assert uids_until(again, lambda: again.caught_up and again.positions[STREAM].offsets[0] == 75) == uids(
        ZEEK[:5]
    )
    again.close()
    assert cluster.committed(TOPIC, "zeekml", 4) == len(ZEEK) + 5


def test_what_was_polled_last_is_not_committed(cluster: MockCluster) -> None:
    """A crash between reading and the journal must find it again."""
    cluster.write(TOPIC, ZEEK, 0)
    followed = follow(cluster, group="careful")
    while not (batches := followed.poll(1000)):
        pass
    assert sum(len(batch.frame) for batch in batches) > 0
    followed.close()
    assert cluster.committed(TOPIC, "careful", 4) == 0


def test_a_topic_without_a_position_begins_at_its_end(cluster: MockCluster) -> None:
    cluster.write(TOPIC, ZEEK[:50], 0)
    followed = follow(cluster, start="end")
    assert caught_up(followed) == []
    assert followed.positions[STREAM].offsets[0] == 50
    cluster.write(TOPIC, ZEEK[50:60], 0)
    assert uids_until(followed, lambda: followed.positions[STREAM].offsets[0] == 60) == uids(ZEEK[50:60])
    followed.close()


def test_a_position_beyond_the_topic_is_told_and_reading_begins_anew(
    cluster: MockCluster, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.write(TOPIC, ZEEK[:10], 0)
    followed = follow(cluster, {STREAM: {"offsets": {"0": 1000}}})
    with caplog.at_level(logging.WARNING, "zeekml.kafka"):
        assert caught_up(followed) == uids(ZEEK[:10])
    assert "the state folder says offset 1000, Kafka has 0 to 10" in caplog.text
    followed.close()


def test_brokers_that_cannot_be_reached_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_ANSWER", 0.2)
    settings = KafkaSettings(brokers="127.0.0.1:1", topics=(TOPIC,), options={"log_level": "0"})
    followed = KafkaLogs(settings, start="start", positions={}, rejects=Rejects(), commit_every=1.0)
    assert followed.poll(10) == []
    assert "it is tried again. Check kafka.brokers" in str(followed.problems["kafka:conn"])
    assert followed.caught_up  # a run with --once ends, and says so
    assert followed.streams == (STREAM,)
    assert followed.positions == {}
    followed.close()


def test_wrong_settings_and_positions_are_told(cluster: MockCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"kafka\.options: .*no\.such"):
        follow(cluster, options={"no.such": "x"})
    with pytest.raises(StateError, match="a position in a topic is not understood"):
        follow(cluster, {STREAM: {"device": 1}})
    assert TopicPosition.from_json({"offsets": {"3": 7}}).to_json() == {"offsets": {"3": 7}}
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match=r"pip install 'zeekml\[kafka\]'"):
        client.check_installed()
