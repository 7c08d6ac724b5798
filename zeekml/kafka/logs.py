"""Topics followed like logs: each message is taken once, from where the state folder says.

The journal of the watch is the truth: an offset stands in the same record as the connections before it. The offsets
committed to Kafka follow it, for those who look at the lag of the group there.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from zeekml.config import KafkaSettings
from zeekml.errors import ConfigError, InputError, StateError
from zeekml.kafka.client import client_settings, log
from zeekml.kafka.messages import read_messages
from zeekml.records import Batch, Rejects

_LOOK_EVERY: Final = 30.0
"""Seconds between looks for new partitions."""
_TRY_EVERY: Final = 1.0
_ANSWER: Final = 5.0
"""Seconds that a broker gets to answer."""
_WAIT: Final = 0.1

Place = tuple[str, int]
"""Topic and partition."""


@dataclass(frozen=True, slots=True)
class TopicPosition:
    """The offset of the next message to take, by partition."""

    offsets: Mapping[int, int]

    def to_json(self) -> dict[str, Any]:
        """As JSON has it: the numbers of partitions are texts."""
        return {"offsets": {str(partition): offset for partition, offset in sorted(self.offsets.items())}}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> TopicPosition:
        """Return what ``to_json`` wrote. Raises StateError."""
        try:
            return cls({int(partition): int(offset) for partition, offset in found["offsets"].items()})
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise StateError(
                f"a position in a topic is not understood ({error!r}); the state folder belongs to logs in files, or "
                "was made by another zeekml: name a new one with --state"
            ) from error


def stream_of(topic: str) -> str:
    """The name of a topic's stream: all its partitions together."""
    return f"kafka:{topic}"


class KafkaLogs:
    """Follows the topics of the settings; what ``zeekml.pipeline.live`` needs of logs.

    ``start``: where a partition begins of which no position is known; one that appears later is read from its start.
    Brokers that cannot be reached are tried again at every poll, and told in ``problems``.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        start: Literal["start", "end"],
        positions: Mapping[str, Mapping[str, Any]],
        rejects: Rejects,
        commit_every: float,
    ) -> None:
        self._topics = settings.topics
        self._start = start
        self._rejects = rejects
        self._commit_every = commit_every
        self._next: dict[Place, int] = {}
        for topic in self._topics:
            if (found := positions.get(stream_of(topic))) is not None:
                known = TopicPosition.from_json(found).offsets
                self._next |= {(topic, partition): offset for partition, offset in known.items()}
        self._safe: dict[Place, int] = {}
        """Offsets that the journal holds."""
        self._known = frozenset(self._next)
        self._assigned: set[Place] = set()
        self._ended: set[Place] = set()
        self._looked = self._committed = float("-inf")
        self._bytes, self._messages = 0, 0
        self.problems: dict[str, Exception] = {}
        try:
            self._consumer = Consumer(
                client_settings(
                    settings.brokers,
                    settings.options,
                    group_id=settings.group,
                    enable_auto_commit=False,
                    enable_auto_offset_store=False,
                    enable_partition_eof=True,
                    auto_offset_reset="earliest",
                )
            )
        except (KafkaException, ValueError, TypeError) as error:
            raise ConfigError(f"kafka.options: {_words(error)}; see librdkafka's CONFIGURATION.md") from error

    @property
    def streams(self) -> tuple[str, ...]:
        """The topics' streams."""
        return tuple(map(stream_of, self._topics))

    @property
    def positions(self) -> dict[str, TopicPosition]:
        """Where reading goes on, by stream; of a topic that was never reached there is none."""
        offsets: dict[str, dict[int, int]] = defaultdict(dict)
        for (topic, partition), offset in self._next.items():
            offsets[stream_of(topic)][partition] = offset
        return {stream: TopicPosition(each) for stream, each in offsets.items()}

    @property
    def lag(self) -> dict[str, int]:
        """About how many bytes are not taken yet, by stream: messages, as long as those so far."""
        size = self._bytes / self._messages if self._messages else 0.0
        lag = dict.fromkeys(self.streams, 0)
        for topic, partition in self._assigned:
            _, high = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
            behind = max(0, high - self._next[topic, partition])
            lag[stream_of(topic)] += int(behind * size)
        return lag

    @property
    def caught_up(self) -> bool:
        """Whether the last poll took all that was there."""
        return bool(self.problems) or (bool(self._assigned) and self._ended >= self._assigned)

    def poll(self, most_rows: int) -> Sequence[Batch]:
        """The connections of at most so many messages. What was given before stands in the journal by now."""
        self._safe = dict(self._next)
        self._commit()
        self._look()
        if not self._assigned:
            return []
        try:
            found = self._consumer.consume(most_rows, _WAIT)
        except KafkaException as error:
            self._trouble(error)
            return []
        by_place: dict[Place, list[tuple[int, bytes | None]]] = defaultdict(list)
        for message in found:
            self._take(message, by_place)
        batches = []
        for (topic, partition), messages in by_place.items():
            source = f"{topic}[{partition}]"
            self._next[topic, partition] = messages[-1][0] + 1
            batch = read_messages(messages, source, stream_of(topic), self._rejects)
            batches += [] if batch is None else [batch]
        return batches

    def folders(self) -> set[Path]:
        """None: Kafka is asked, whatever files do."""
        return set()

    def close(self) -> None:
        """Commit what is safe and leave."""
        self._committed = float("-inf")
        self._commit(wait=True)
        self._consumer.close()

    def _take(self, message: Message, by_place: dict[Place, list[tuple[int, bytes | None]]]) -> None:
        error = message.error()
        topic, partition = message.topic(), message.partition()
        if topic is None or partition is None:
            return
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                self._ended.add((topic, partition))
            else:
                self._trouble(KafkaException(error))
            return
        self._ended.discard((topic, partition))
        value = message.value()
        value = value.encode() if isinstance(value, str) else value
        offset = message.offset()
        if offset is not None:
            by_place[topic, partition].append((offset, value))
        self._bytes += len(value or b"")
        self._messages += 1

    def _look(self) -> None:
        """Find the partitions, at first and again now and then."""
        wait = _LOOK_EVERY if self._assigned and not self.problems else _TRY_EVERY
        if time.monotonic() - self._looked < wait:
            return
        self._looked = time.monotonic()
        self.problems = {}
        appeared = bool(self._assigned)
        try:
            places = [place for topic in self._topics for place in self._partitions(topic)]
            new = [place for place in places if place not in self._assigned]
            for place in new:
                self._next[place] = self._begin(place, "start" if appeared else self._start)
        except KafkaException as error:
            self._trouble(error)
            return
        if new:
            self._assigned |= set(new)
            self._ended.clear()
            self._consumer.assign(
                [TopicPartition(*place, self._next[place]) for place in sorted(self._assigned)]
            )

    def _partitions(self, topic: str) -> list[Place]:
        found = self._consumer.list_topics(topic, timeout=_ANSWER).topics[topic]
        if found.error is not None:
            raise KafkaException(found.error)
        return [(topic, partition) for partition in found.partitions]

    def _begin(self, place: Place, start: Literal["start", "end"]) -> int:
        """The offset to begin a partition at."""
        low, high = self._consumer.get_watermark_offsets(TopicPartition(*place), timeout=_ANSWER)
        if place not in self._known:
            return low if start == "start" else high
        offset = self._next[place]
        if low <= offset <= high:
            return offset
        what = (
            f"{offset - low:,} messages more than there are"
            if offset > high
            else f"{low - offset:,} were deleted"
        )
        log.warning(
            "%s[%d]: the state folder says offset %d, Kafka has %d to %d (%s): going on from %d",
            *place, offset, low, high, what, low,
        )  # fmt: skip
        return low

    def _commit(self, *, wait: bool = False) -> None:
        if not self._safe or time.monotonic() - self._committed < self._commit_every:
            return
        self._committed = time.monotonic()
        offsets = [TopicPartition(*place, offset) for place, offset in self._safe.items()]
        try:
            if wait:
                self._consumer.commit(offsets=offsets, asynchronous=False)
            else:
                self._consumer.commit(offsets=offsets)
        except KafkaException as error:
            log.info(
                "the offsets could not be committed to Kafka, the state folder has them: %s", _words(error)
            )

    def _trouble(self, error: KafkaException) -> None:
        topics = ", ".join(self._topics)
        self.problems = {
            f"kafka:{topics}": InputError(
                f"kafka topics {topics}: {_words(error)}; it is tried again. Check kafka.brokers, kafka.topics and "
                "what this user may read."
            )
        }


def _words(error: Exception) -> str:
    """What Kafka's client says, without its own wrapping."""
    inner = error.args[0] if error.args else error
    return str(inner.str()) if isinstance(inner, KafkaError) else str(inner)
