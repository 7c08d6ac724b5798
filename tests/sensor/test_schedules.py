"""Any interleaving of writing, rotation, compression, crashes and restarts: every complete line once and in order."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.sensor import outsiders
from tests.sensor.following import Following
from tests.sensor.zeek_writer import ZeekWriter

Way = Literal["date", "number", "copy"]  # one sensor is rotated in one way


class Sensor(RuleBasedStateMachine):
    """A log that is written and rotated, and one that follows it or is down."""

    @initialize(
        form=st.sampled_from(["tsv", "json", "eve"]),
        way=st.sampled_from(["date", "number", "copy"]),
        written=st.integers(0, 3),
    )
    def begin(self, form: Literal["tsv", "json", "eve"], way: Way, written: int) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.path = Path(self._folder.name) / "conn.log"
        self.writer = ZeekWriter(self.path, form=form)
        self.way = way
        self.next = 0
        self.expected: list[int] = []
        self.crashes = 0
        self.half: int | None = None
        self.following = Following(self.path)
        self.up = True
        if written:
            self.write(written)
        self.following.poll()

    @rule(count=st.integers(1, 5))
    def write(self, count: int) -> None:
        if self.half is not None:
            self.writer.finish_half()
            self.expected.append(self.half)
            self.half = None
        numbers = range(self.next, self.next + count)
        self.writer.write(*numbers)
        self.expected += numbers
        self.next += count

    @rule(share=st.floats(0.01, 0.99))
    def write_half(self, share: float) -> None:
        if self.half is None:
            self.half = self.next
            self.next += 1
            self.writer.write_half(self.half, share)

    @precondition(lambda self: self.half is None)
    @rule(packed=st.booleans(), delayed=st.booleans(), create=st.booleans())
    def rotate(self, packed: bool, delayed: bool, create: bool) -> None:
        if not self.writer.is_open:
            return
        match self.way:
            case "date":
                rotated = self.writer.rotate()
                if rotated and packed and not delayed:
                    outsiders.compress(rotated)
            case "number":
                outsiders.logrotate(self.path, packed=False, create=create)
                if delayed:
                    self.write(1)
                self.writer.reopen()
                if self.writer.form == "tsv":
                    self.writer.write_raw(b"".join(self.writer.header()))
                    self.writer.rotations += 1
                if packed:
                    outsiders.compress(self.path.with_name("conn.log.1"))
            case "copy":
                outsiders.copytruncate(self.path, packed=packed)

    @rule()
    def compress_one(self) -> None:
        plain = sorted(
            one for one in self.path.parent.iterdir() if one != self.path and not one.name.endswith(".gz")
        )
        if plain:
            outsiders.compress(plain[0])

    @rule(last=st.booleans())
    def crash(self, last: bool) -> None:
        """What was read before is safe; what was not is lost with the truncation by the next start."""
        if self.way == "copy" or not self.writer.is_open or not self.up:
            return
        self.following.drain()
        self.writer.crash(half=self.next if last and self.half is None else None)
        self.next += 1
        self.half = None

    @rule(most_rows=st.sampled_from([1, 2, 3, 100]))
    def poll(self, most_rows: int) -> None:
        if self.up:
            self.following.poll(most_rows)

    @rule()
    def stop(self) -> None:
        self.following.stop()
        self.up = False

    @rule()
    def restart(self) -> None:
        self.following.restart()
        self.up = True

    @invariant()
    def nothing_twice_nothing_out_of_order(self) -> None:
        taken = self.following.taken
        assert taken == self.expected[: len(taken)]

    def teardown(self) -> None:
        if not hasattr(self, "following"):
            return
        try:
            self.following.restart()
            self.following.drain()
            assert self.following.taken == self.expected
        finally:
            self.writer.crash()
            self.following.stop()
            self._folder.cleanup()


TestSensor = Sensor.TestCase
TestSensor.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
