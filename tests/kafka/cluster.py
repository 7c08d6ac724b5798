"""A cluster of Kafka in this process: the client's own stand-in, on loopback."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from confluent_kafka import Consumer, Producer, TopicPartition


class MockCluster:
    """One broker of ``test.mock.num.brokers``, there for as long as its producer; other processes can reach it."""

    def __init__(self) -> None:
        self._producer = Producer({"test.mock.num.brokers": 1, "linger.ms": 0})
        (broker,) = self._producer.list_topics(timeout=30).brokers.values()
        self.brokers = f"{broker.host}:{broker.port}"

    def write(self, topic: str, messages: Iterable[bytes | None], partition: int = 0) -> None:
        """Append messages to a partition."""
        for message in messages:
            self._producer.produce(topic, message, partition=partition)
        assert self._producer.flush(60) == 0

    def read(self, topic: str, count: int) -> list[tuple[bytes | None, bytes | None]]:
        """Keys and values of the first messages of partition after partition."""
        consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": uuid.uuid4().hex})
        places = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        consumer.assign([TopicPartition(topic, partition, 0) for partition in places])
        found: list[tuple[bytes | None, bytes | None]] = []
        while len(found) < count:
            message = consumer.poll(30)
            assert message is not None, "no further message"
            assert message.error() is None
            found.append((message.key(), message.value()))
        consumer.close()
        return found

    def committed(self, topic: str, group: str, partitions: int) -> int:
        """The offsets that a group has committed, added up."""
        consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": group})
        places = [TopicPartition(topic, partition) for partition in range(partitions)]
        found = sum(max(0, place.offset) for place in consumer.committed(places, timeout=30))
        consumer.close()
        return found
