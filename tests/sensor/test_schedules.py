"""Any interleaving of writing, rotation, compression, crashes and restarts: every complete line once and in order."""

from __future__ import annotations

import os
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Literal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.sensor import outsiders
from tests.sensor.following import Following
from tests.sensor.zeek_writer import FIRST, FORMS, Form, ZeekWriter
from zeekml.records.rotation import rotation

Way = Literal["date", "number", "changing", "copy", "elsewhere", "zeekctl"]  # how one sensor is rotated
WAYS: tuple[Way, ...] = ("date", "number", "changing", "copy", "elsewhere", "zeekctl")


class Sensor(RuleBasedStateMachine):
    """A log that is written and rotated, and one that follows it or is down."""

    @initialize(
        form=st.sampled_from(FORMS),
        way=st.sampled_from(WAYS),
        written=st.integers(0, 3),
        rotated=st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=4),
        start=st.sampled_from(["start", "end"]),
    )
    def begin(
        self,
        form: Form,
        way: Way,
        written: int,
        rotated: list[tuple[int, bool]],
        start: Literal["start", "end"],
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        self.way = way
        self.archive = folder / "old"
        self.archive.mkdir()
        self.path = folder / "conn.log"
        if way == "zeekctl":
            (folder / "spool").mkdir()
            (self.archive / "current").symlink_to(folder / "spool")
            self.path = folder / "spool" / "conn.log"
        if way == "copy" and start == "end" and rotated:
            form = "json"  # of a TSV log that is left there is no header to begin with
        self.writer = ZeekWriter(self.path, form=form)
        self.dated = way in ("date", "elsewhere", "zeekctl")
        self.next = 0
        self.expected: list[int] = []
        self.half: int | None = None
        self.up = False
        for count, packed in rotated:
            self.write(count)
            self.rotate(packed=packed, delayed=False, create=False)
        if written:
            self.write(written)
        self.begun = len(self.expected) if start == "end" else 0
        followed = self.archive / "current" / "conn.log" if way == "zeekctl" else self.path
        archives = [self.archive] if way == "elsewhere" else []
        self.following = Following(followed, start, archives=archives)
        self.up = True
        self.following.poll(1)

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
            case "date" | "elsewhere" | "zeekctl":
                self._rotate_by_date(packed=packed and not delayed)
            case "number":
                self._rotate_by_number(packed=packed, delayed=delayed, create=create)
            case "changing" if self.dated:
                self._rotate_by_date(packed=packed)
            case "changing":
                self._rotate_by_number(packed=packed, delayed=delayed, create=create)
            case "copy":
                outsiders.copytruncate(self.path, packed=packed)

    @precondition(lambda self: self.half is None)
    @rule(steps=st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.booleans()), min_size=2, max_size=5))
    def rotate_often(self, steps: list[tuple[int, bool, bool]]) -> None:
        """Several rotations between two looks."""
        for count, packed, delayed in steps:
            self.write(count)
            self.rotate(packed=packed, delayed=delayed, create=False)

    @precondition(lambda self: self.way == "changing")
    @rule()
    def change_ways(self) -> None:
        """From dates to numbers, or back."""
        self.dated = not self.dated

    @rule(which=st.integers(0, 9), keep_time=st.booleans(), zst=st.booleans())
    def compress_one(self, which: int, keep_time: bool, zst: bool) -> None:
        if plain := self._plain():
            self._pack(plain[which % len(plain)], keep_time=keep_time, zst=zst)

    @rule(which=st.integers(0, 9), share=st.floats(0, 1))
    def look_while_one_is_compressed(self, which: int, share: float) -> None:
        """The compressed file stands beside the plain one, in part or whole."""
        plain = self._plain()
        if not plain:
            return
        source = plain[which % len(plain)]
        kept = source.read_bytes()
        state = source.stat()
        target = outsiders.compress(source)
        whole = target.read_bytes()
        # The plain one is there all the while; here it is only put back as if it had never been away.
        source.write_bytes(kept)
        os.utime(source, ns=(state.st_atime_ns, state.st_mtime_ns))
        target.write_bytes(whole[: int(len(whole) * share)])
        if self.up:
            self.following.poll(2)
        target.write_bytes(whole)
        source.unlink()

    @rule(moment=st.integers(1, 2_000_000_000))
    def touch(self, moment: int) -> None:
        """The times of all rotated files are lost, as by copying them."""
        for one in self._rotated():
            os.utime(one, (moment, moment))

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
        assert taken == self.expected[self.begun : self.begun + len(taken)]

    def teardown(self) -> None:
        if not hasattr(self, "following"):
            return
        try:
            self.following.restart()
            self.following.drain()
            assert self.following.taken == self.expected[self.begun :]
        finally:
            self.writer.crash()
            self.following.stop()
            self._folder.cleanup()

    def _rotate_by_date(self, *, packed: bool) -> None:
        rotated = self.writer.rotate(folder=self.archive if self.way == "elsewhere" else None)
        if rotated and packed:
            self._pack(rotated)

    def _rotate_by_number(self, *, packed: bool, delayed: bool, create: bool) -> None:
        outsiders.logrotate(self.path, create=create)
        if delayed:
            self.write(1)
        self.writer.reopen()
        if self.writer.form == "tsv":
            self.writer.rotations += 1
            self.writer.write_raw(b"".join(self.writer.header()))
        due = self.path.with_name("conn.log.2" if delayed else "conn.log.1")
        if packed and due.exists():
            self._pack(due)

    def _pack(self, rotated: Path, *, keep_time: bool = True, zst: bool = False) -> None:
        if self.way != "zeekctl":
            outsiders.compress(rotated, keep_time=keep_time, zst=zst)
            return
        first = rotation(rotated.name).moment or FIRST
        last = first + timedelta(minutes=1)
        outsiders.archive(
            rotated, self.archive / f"{first:%Y-%m-%d}", f"{first:%H:%M:%S}", f"{last:%H:%M:%S}"
        )

    def _rotated(self) -> list[Path]:
        found = [*self.path.parent.iterdir(), *self.archive.rglob("*")]
        return sorted(
            one for one in found if one.is_file() and one.name != "conn.log" and not one.name.startswith(".")
        )

    def _plain(self) -> list[Path]:
        return [one for one in self._rotated() if not one.name.endswith((".gz", ".zst"))]


TestSensor = Sensor.TestCase
TestSensor.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
