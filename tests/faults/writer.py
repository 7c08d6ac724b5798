"""What a sensor of the campaign writes: connections of every form, and beside the log the same ones whole.

Times go back and forth, as connections end in another order than they begin. Zeek's columns may change with a header;
between Suricata's flows stand events of other kinds.
"""

from __future__ import annotations

import os
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.records import logs
from tests.sensor.zeek_writer import Form, ZeekWriter

_FEWER = tuple(name for name in logs.FIELDS if name not in ("tunnel_parents", "missed_bytes"))
COLUMNS = (logs.FIELDS, (*logs.FIELDS[:7], "ip_proto", *logs.FIELDS[7:]), (*_FEWER[::-1],))
"""Zeek 7.0's; with a column more, as from 7.1 on; fewer, the other way round."""
_BACK = 90  # seconds that a connection may be older than those before it
_MOST_AT_ONCE = 300


class Stopped(Exception):  # noqa: N818  (no error)
    """The sensors were told to stop while they asked for leave."""


class Writer(ZeekWriter):
    """A ``ZeekWriter`` with hosts and times that vary in every form."""

    def line(self, number: int) -> bytes:
        """The line of a connection; in EVE, maybe another event before it."""
        fields = {**logs.connection(number), "ts": f"{_start(number):.6f}"}
        match self.form:
            case "tsv":
                return logs.line({**fields, "ip_proto": "6"}, self.names).encode()
            case "json":
                return logs.ndjson([{**logs.json_object(number), "ts": _start(number)}])
            case "eve":
                other = {"timestamp": _iso(_start(number)), "event_type": ("dns", "stats")[number % 2]}
                return logs.ndjson([other] * (number % 5 == 0) + [_flow(number, fields)])

    def begin_anew(self) -> int | None:
        """Open what is at the path now, at its end, as after SIGHUP; the former file, which is still open."""
        former, self._handle = self._handle, None
        self.reopen()
        return former

    def forget_half(self) -> None:
        """What was begun is never finished."""
        self._half = b""


def _start(number: int) -> float:
    return 1_600_000_000 + number - number * 7919 % _BACK + number % 1_000_000 / 1e6


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+0000")


def _flow(number: int, fields: dict[str, str]) -> dict[str, object]:
    begun = _start(number)
    flow = {
        "pkts_toserver": number % 40 + 1,
        "pkts_toclient": number % 30,
        "bytes_toserver": number % 4000 + 60,
        "bytes_toclient": number % 70_000,
        "start": _iso(begun),
        "end": _iso(begun + number % 97),
        "state": "closed" if number % 3 else "new",
    }
    return {
        **logs.FLOW,
        "timestamp": _iso(begun + 100),
        "flow_id": number,
        "src_ip": fields["id.orig_h"],
        "src_port": int(fields["id.orig_p"]),
        "dest_ip": fields["id.resp_h"],
        "dest_port": int(fields["id.resp_p"]),
        "proto": fields["proto"].upper(),
        "flow": flow,
    }


class Sensor(ABC):
    """A log that is written, rotated in this sensor's ways, and kept whole in ``reference``.

    ``watched``: what zeekml is given, within the sensor's folder. ``begins_late``: it is not there at first.
    """

    form: Form = "tsv"
    log = "conn.log"
    watched = "conn.log"
    begins_late = False

    def __init__(
        self, folder: Path, reference: Path, first: int, chance: random.Random, ask: Callable[[], bool]
    ) -> None:
        """``first``: number of its first connection; ``ask``: whether all that was written has been read by now, False
        when all is to end."""
        self.folder = folder
        self.chance = chance
        self.next = first
        self.done: list[str] = []
        self.broken = 0  # lines that will never be whole, and are read
        self._ask = ask
        for path in (folder, reference.parent):
            path.mkdir(parents=True)
        self.reference = Writer(reference, form=self.form)
        self.writer = Writer(self.begin(), form=self.form)

    def begin(self) -> Path:
        """Make what the log lies in; where it is written."""
        return self.folder / self.log

    @abstractmethod
    def rotate(self) -> None:
        """Do one of the things that happen to this sensor's log, and note in ``done`` what it was."""

    def write(self, count: int) -> None:
        """Write connections, now and then one in two parts."""
        for number in self.numbers(count):
            if self.chance.random() < 0.02:
                self.writer.write_half(number, self.chance.random())
                self.sleep(0.03)
                self.writer.finish_half()
            else:
                self.writer.write(number)
            self.reference.write(number)

    def write_some(self) -> None:
        """Write few connections, seldom many."""
        self.write(int(self.chance.paretovariate(0.7)) % _MOST_AT_ONCE)

    def numbers(self, count: int) -> range:
        """The numbers of the next connections."""
        self.next += count
        return range(self.next - count, self.next)

    def break_off(self) -> None:
        """Begin a line that will never have its end."""
        self.writer.write_half(self.numbers(1)[0], 0.1 + 0.7 * self.chance.random())
        self.writer.forget_half()

    def leave_open(self) -> None:
        """Write a line that will never get its line feed."""
        (number,) = self.numbers(1)
        self.writer.write_raw(self.writer.line(number)[:-1])
        self.reference.write(number)

    def change_columns(self) -> None:
        """From the next header on, the columns are others, in the reference as well."""
        self.writer.names = self.reference.names = self.chance.choice(COLUMNS)
        self.reference.write_raw(b"".join(self.reference.header()))

    def ask(self) -> None:
        """Wait until all that was written has been read: what comes next would take it away. Raises Stopped."""
        if not self._ask():
            raise Stopped

    def coin(self) -> bool:
        """Yes or no."""
        return self.chance.random() < 0.5

    def sleep(self, most: float) -> None:
        """For up to ``most`` seconds."""
        time.sleep(self.chance.random() * most)

    def end(self) -> None:
        """Close all."""
        self.writer.close()
        self.reference.close()


def write_to(handle: int, lines: list[bytes]) -> None:
    """Write lines to a file that the writer has left."""
    for line in lines:
        os.write(handle, line)
