"""Whether a live run and the batch run say the same: as the design has it, scores within 1e-4, all else alike.

float32 depends on how many connections a network is given at once, so a connection that is no farther from a
threshold may fall either way, and so may a host whose evidence is. Such cases are counted, and only they left out.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TOLERANCE = 1e-4
_NUMBER = re.compile(r"(score|evidence)=([0-9.]+)")
_LAST_PLACE = {"score": 1e-3, "evidence": 0.1}  # as they stand in a notice's `sub`
_SCORES = ("score", "class_score")

Record = Mapping[str, Any]


@dataclass
class Compared:
    """What the comparison of two runs gave. ``near``: connections within the tolerance of a threshold; ``either_way``:
    differences that this explains; ``farthest``: the largest difference of two scores."""

    problems: list[str] = field(default_factory=list)
    near: int = 0
    either_way: int = 0
    farthest: float = 0.0

    def differ(self, what: str) -> None:
        """Note a difference that must not be."""
        self.problems.append(what)


def compare(
    live: Mapping[str, Sequence[Record]],
    batch: Mapping[str, Sequence[Record]],
    thresholds: Mapping[str, float],
    stream_of: Callable[[str], str],
) -> Compared:
    """Compare the records of ``zeekml`` and ``notice``, in their order, stream by stream.

    ``thresholds``: ``connection`` and ``floor``, probabilities, and ``host``, nats; ``stream_of`` tells the stream of
    a uid.
    """
    result = Compared()
    streams: dict[str, dict[str, list[list[Record]]]] = {}
    for output in ("zeekml", "notice"):
        for place, records in enumerate((live[output], batch[output])):
            for record in records:
                of = streams.setdefault(stream_of(record["uid"]), {"zeekml": [[], []], "notice": [[], []]})
                of[output][place].append(record)
    for stream, of in streams.items():
        order = _connections(stream, of["zeekml"], thresholds, result)
        _Notices(stream, order, thresholds, result).compare(of["notice"])
    return result


@dataclass
class _Order:
    """Where the connections of a stream stand, and which of each host's are near a threshold."""

    place: dict[str, int] = field(default_factory=dict)
    near: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def _connections(
    stream: str, runs: Sequence[Sequence[Record]], thresholds: Mapping[str, float], result: Compared
) -> _Order:
    live, batch = runs
    order = _Order()
    uids, wanted = [record["uid"] for record in live], [record["uid"] for record in batch]
    if uids != wanted:
        missing, too_many = Counter(wanted) - Counter(uids), Counter(uids) - Counter(wanted)
        kinds = {"missing": [*missing], "too many": [*too_many]}
        told = [f"{len(some)} {kind}, such as {some[:3]}" for kind, some in kinds.items() if some]
        result.differ(f"{stream}: connections: {'; '.join(told) or 'in another order'}")
    found = {record["uid"]: record for record in live}
    for place, record in enumerate(batch):
        uid, score = record["uid"], float(record["score"])
        order.place[uid] = place
        near = min(abs(score - thresholds[name]) for name in ("connection", "floor")) <= TOLERANCE
        if near:
            result.near += 1
            order.near[record["id.orig_h"]].append(place)
        if uid in found:
            _connection(stream, found[uid], record, result, near=near)
    return order


def _connection(stream: str, live: Record, batch: Record, result: Compared, *, near: bool) -> None:
    for name in live.keys() | batch.keys():
        one, other = live.get(name), batch.get(name)
        if one == other:
            continue
        if name in _SCORES and one is not None and other is not None:
            apart = abs(float(one) - float(other))
            result.farthest = max(result.farthest, apart)
            if apart <= TOLERANCE:
                continue
        elif name == "reasons" and near:
            result.either_way += 1
            continue
        result.differ(f"{stream}: {batch['uid']}: {name} is {one!r} live, {other!r} in batch")


class _Notices:
    """The notices of a stream, host by host and note by note."""

    def __init__(self, stream: str, order: _Order, thresholds: Mapping[str, float], result: Compared) -> None:
        self._stream = stream
        self._order = order
        self._host_threshold = thresholds["host"]
        self._result = result

    def compare(self, runs: Sequence[Sequence[Record]]) -> None:
        """Note what differs between the live and the batch run."""
        kept: list[dict[tuple[str, str], Record]] = []
        for records in runs:
            keys = [(record["uid"], record["note"]) for record in records]
            places = [self._order.place.get(uid, -1) for uid, _ in keys]
            if places != sorted(places):
                self._result.differ(f"{self._stream}: notices stand in another order than the connections")
            if len(set(keys)) != len(keys):
                self._result.differ(f"{self._stream}: a notice stands twice")
            kept.append(dict(zip(keys, records, strict=True)))
        since: dict[tuple[str, str], int] = {}  # the last notice about which both agree
        unsure: dict[tuple[str, str], bool] = {}  # after one that could fall either way, the next ones may
        every = kept[0].keys() | kept[1].keys()
        for key in sorted(every, key=lambda each: (self._order.place.get(each[0], -1), each[1])):
            one, other = kept[0].get(key), kept[1].get(key)
            about = ((one or other or {})["id.orig_h"], key[1])
            if one is not None and other is not None and self._alike(one, other):
                since[about], unsure[about] = self._order.place.get(key[0], -1), False
            elif unsure.get(about) or self._either_way(key, about, since.get(about, -1), one or other or {}):
                self._result.either_way += 1
                unsure[about] = True
            else:
                self._result.differ(f"{self._stream}: notice {key}: {one and one['sub']!r} live, "
                                    f"{other and other['sub']!r} in batch")  # fmt: skip

    def _alike(self, live: Record, batch: Record) -> bool:
        one, other = dict(live), dict(batch)
        numbers, expected = (dict(_NUMBER.findall(record.pop("sub"))) for record in (one, other))
        texts = [_NUMBER.sub("", record["sub"]) for record in (live, batch)]
        near = all(
            abs(float(numbers[name]) - float(value)) <= _LAST_PLACE[name] + TOLERANCE
            for name, value in expected.items()
        )
        return one == other and texts[0] == texts[1] and near and numbers.keys() == expected.keys()

    def _either_way(self, key: tuple[str, str], about: tuple[str, str], since: int, notice: Record) -> bool:
        """Whether a connection near a threshold, or evidence near its own, explains a difference."""
        place = self._order.place.get(key[0], -1)
        if any(since < near <= place for near in self._order.near[about[0]]):
            return True
        evidence = dict(_NUMBER.findall(notice["sub"])).get("evidence")
        return evidence is not None and abs(float(evidence) - self._host_threshold) <= _LAST_PLACE["evidence"]
