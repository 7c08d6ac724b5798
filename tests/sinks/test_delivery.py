"""Delivery: in order, again after failures, no sink held up by another, nothing lost over a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.sinks.alerts import ids, some_alerts
from zeekml.errors import OutputError, SinkError
from zeekml.sinks.alert import AlertRecord
from zeekml.sinks.delivery import Deliveries
from zeekml.sinks.outbox import Outbox


class Receiver:
    """A sink that remembers what it took, and fails when told to."""

    def __init__(self, name: str, most: int = 10) -> None:
        self.name = name
        self.most = most
        self.taken: list[str] = []
        self.tries = 0
        self.fails = False
        self.closed = False
        self.blocks = threading.Event()
        self.blocks.set()

    def deliver(self, records: Sequence[AlertRecord]) -> None:
        assert 0 < len(records) <= self.most
        self.tries += 1
        self.blocks.wait(10)
        if self.fails:
            raise SinkError(f"{self.name} is away")
        self.taken += ids(records)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path, file_bytes=5000)
    yield box
    box.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.002)


def ignore(name: str, error: OutputError) -> None:
    """No one is told."""


def test_alerts_are_delivered_in_order_and_in_parts(outbox: Outbox) -> None:
    receiver = Receiver("a", most=10)
    deliveries = Deliveries([receiver], outbox, ignore)
    deliveries.start()
    for first in range(0, 45, 5):
        outbox.append(some_alerts(5, first))
        deliveries.wake()
    until(lambda: len(receiver.taken) == 45)
    deliveries.close(5)
    assert receiver.taken == ids(some_alerts(45))
    assert receiver.closed
    (status,) = deliveries.status()
    assert (status.delivered, status.waiting, status.errors, status.last_error) == (45, 0, 0, None)


def test_a_sink_that_fails_is_tried_again_and_the_others_go_on(outbox: Outbox) -> None:
    told: list[tuple[str, str]] = []
    bad, good, slow = Receiver("bad"), Receiver("good"), Receiver("slow")
    bad.fails = True
    slow.blocks.clear()
    deliveries = Deliveries(
        [bad, good, slow], outbox, lambda name, error: told.append((name, str(error))), first_wait=0.01
    )
    deliveries.start()
    outbox.append(some_alerts(3))
    deliveries.wake()
    until(lambda: len(good.taken) == 3 and bad.tries >= 3)
    status = deliveries.status()[0]
    assert status.waiting > 0
    assert status.last_error == "bad is away"
    assert ("bad", "bad is away") in told
    outbox.append(some_alerts(3, 3))
    bad.fails = False
    slow.blocks.set()
    deliveries.wake()
    until(lambda: all(len(sink.taken) == 6 for sink in (bad, good, slow)))
    until(lambda: deliveries.status()[0].last_error is None)
    assert bad.taken == good.taken == slow.taken == ids(some_alerts(6))
    deliveries.close(5)


def test_waits_grow_and_new_alerts_do_not_shorten_them(outbox: Outbox) -> None:
    bad = Receiver("bad")
    bad.fails = True
    deliveries = Deliveries([bad], outbox, ignore, first_wait=60)
    deliveries.start()
    outbox.append(some_alerts(1))
    deliveries.wake()
    until(lambda: bad.tries == 1)
    for _ in range(20):
        deliveries.wake()
    time.sleep(0.05)
    assert bad.tries == 1
    until(lambda: (deliveries.status()[0].retry_in or 0) > 40)
    deliveries.close(5)  # tries once more, at once
    assert bad.tries == 2


def test_what_was_not_taken_is_delivered_after_a_restart(tmp_path: Path) -> None:
    first = Outbox(tmp_path)
    bad = Receiver("a")
    bad.fails = True
    deliveries = Deliveries([bad], first, ignore)
    deliveries.start()
    first.append(some_alerts(4))
    deliveries.close(5)
    first.close()
    second = Outbox(tmp_path)
    receiver, new = Receiver("a"), Receiver("new")
    deliveries = Deliveries([receiver, new], second, ignore)
    deliveries.start()
    until(lambda: len(receiver.taken) == 4)
    second.append(some_alerts(6))
    deliveries.close(5)
    assert receiver.taken == ids(some_alerts(6))
    assert new.taken == ids(some_alerts(2, 4))  # a sink that is new begins with the next alert
    second.close()


def test_alerts_are_not_sent_again_because_the_disk_is_full(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = Receiver("a")
    deliveries = Deliveries([receiver], outbox, ignore, first_wait=0.01)
    deliveries.start()
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "move", lambda *_: (_ for _ in ()).throw(OutputError("the disk is full")))
        outbox.append(some_alerts(3))
        deliveries.wake()
        until(lambda: deliveries.status()[0].errors >= 3)
    until(lambda: outbox.cursor("a") == outbox.end())
    deliveries.close(5)
    assert receiver.taken == ids(some_alerts(3))


def test_the_end_does_not_wait_for_a_sink_that_hangs(outbox: Outbox) -> None:
    stuck = Receiver("stuck")
    stuck.blocks.clear()
    deliveries = Deliveries([stuck], outbox, ignore)
    deliveries.start()
    outbox.append(some_alerts(1))
    begun = time.monotonic()
    deliveries.close(0.1)
    assert time.monotonic() - begun < 2
    stuck.blocks.set()
    until(lambda: stuck.closed)


def test_deliveries_that_never_began_can_be_closed(outbox: Outbox) -> None:
    Deliveries([Receiver("a")], outbox, ignore).close(0.1)
