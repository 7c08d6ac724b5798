"""The ways in which logs are rotated, truncated, deleted and lost, a sensor for each.

What nobody has read yet is lost for every follower when its file is deleted or cut: there the sensor asks first.
"""

from __future__ import annotations

import os
import shutil
import time
from datetime import timedelta
from pathlib import Path

import zstandard

from tests.faults.writer import Sensor, Writer, write_to
from tests.sensor import outsiders
from tests.sensor.zeek_writer import FIRST, Form

_SOON = 0.25  # seconds within which a rotated file goes on growing; zeekml waits for half a second


class Zeek(Sensor):
    """Zeek's own rotation in a folder that zeekml is given, and Zeek's crashes, ends and restarts."""

    watched = ""
    begins_late = True

    def begin(self) -> Path:
        (self.folder / "dns.log").write_text("#path\tdns\n#fields\tts\tuid\n")
        return super().begin()

    def write(self, count: int) -> None:
        (self.folder / ".shadow.conn.log").touch()
        super().write(count)

    def rotate(self) -> None:
        if not self.writer.is_open:
            return
        if not self.done:
            self.ask()  # of a log that was never seen, only the open file would be taken
        way = self.chance.choice([*["renamed", "packed", "header", "left over"] * 2, "crash", "ended"])
        self.done.append(f"Zeek: {way}")
        match way:
            case "renamed":
                self._renamed()
                if self.coin():
                    self.change_columns()
            case "packed":
                if rotated := self._renamed():
                    _pack(rotated, zstd=self.coin())
            case "header":
                self.change_columns()
                self.writer.write_raw(b"".join(self.writer.header()))
            case "crash":  # the next start truncates the log in place
                self.ask()
                self.writer.crash(half=self.numbers(1)[0])
            case "left over":
                self._left_over()
            case "ended":  # SIGTERM: a last log that is not renamed, and is truncated by the next start
                self._renamed()
                self.write(self.chance.randrange(1, 4))
                self.writer.close()
                self.ask()
        self.sleep(0.2)  # no log at all

    def _renamed(self) -> Path | None:
        return self.writer.rotate(FIRST + timedelta(seconds=self.writer.rotations))

    def _left_over(self) -> None:
        """A crash in a line; the next start renames what was left before it writes."""
        self._break_or_leave_open()
        moment = FIRST + timedelta(seconds=self.writer.rotations)
        self.writer.crash()
        self.writer.path.rename(self.writer.path.with_name(f"conn.{moment:%Y-%m-%d-%H-%M-%S}.log"))

    def _break_or_leave_open(self) -> None:
        if self.coin():
            self.leave_open()
        else:
            self.break_off()
            self.broken += 1


class Zeekctl(Sensor):
    """zeekctl: logs are written in a spool folder to which ``current`` leads, and archived in folders by date."""

    form: Form = "json"
    watched = "current/conn.log"

    def begin(self) -> Path:
        spool = self.folder / "spool"
        spool.mkdir()
        (self.folder / "current").symlink_to("spool")
        self.waiting: list[Path] = []
        return spool / self.log

    def rotate(self) -> None:
        moment = FIRST + timedelta(seconds=self.writer.rotations)
        rotated = self.writer.rotate(moment)
        if rotated is None:
            return
        self.waiting.append(rotated)
        self.done.append("zeekctl: archived" if self.coin() else "zeekctl: archived later")
        if self.done[-1].endswith("later"):
            return
        for path in self.waiting:
            clock = path.name.removeprefix("conn.2026-11-").removesuffix(".log")
            day, _, at = clock.partition("-")
            folder = self.folder / f"2026-11-{day}"
            outsiders.archive(path, folder, at.replace("-", ":"), "23:59:59")
        self.waiting.clear()


class Numbered(Sensor):
    """logrotate with numbers; the writer goes on in the renamed file until it is told to open the log anew."""

    form: Form = "json"

    def rotate(self) -> None:
        create, delayed = self.coin(), self.coin()
        way = self.chance.choice(
            ["at once", "goes on", "line finished later", "line never finished", "grows"]
        )
        self.done.append(f"logrotate: {way}")
        match way:
            case "at once":
                self._rename(create=create)
            case "goes on":
                self._rename(create=create)
                self.write(self.chance.randrange(1, 4))
            case "line finished later":
                (number,) = self.numbers(1)
                self.writer.write_half(number, self.chance.random())
                self._rename(create=create)
                self.sleep(0.3)
                self.writer.finish_half()
                self.reference.write(number)
            case "line never finished":
                self.break_off()
                self.broken += 1
                self._rename(create=create)
            case "grows":
                delayed = True  # what is written while the file is compressed would be lost
                self._grow_after_the_next_has_begun()
        if way != "grows":
            _close(self.writer.begin_anew())
        due = self.writer.path.with_name(f"{self.log}.{2 if delayed else 1}")
        if due.exists() and self.coin():
            _pack(due, zstd=False)

    def _rename(self, *, create: bool) -> None:
        outsiders.logrotate(self.writer.path, create=create)

    def _grow_after_the_next_has_begun(self) -> None:
        begun = time.monotonic()
        self.write(1)  # the renamed file has just been written
        self._rename(create=self.coin())
        former = self.writer.begin_anew()
        old, new = self.numbers(self.chance.randrange(1, 4)), self.numbers(self.chance.randrange(1, 4))
        self.writer.write(*new)
        self.sleep(_SOON / 4)
        if former is not None and time.monotonic() - begun < _SOON:
            write_to(former, [self.writer.line(number) for number in old])
            self.reference.write(*old)
        self.reference.write(*new)
        _close(former)


class Suricata(Numbered):
    """As any log under logrotate, in EVE."""

    form: Form = "eve"
    log = watched = "eve.json"


class Copied(Sensor):
    """copytruncate, and truncation without a copy; the writer keeps its offset, so that NUL bytes stand before it."""

    def rotate(self) -> None:
        copied = self.writer.path.exists() and self.chance.random() < 0.85
        packed = self.coin()
        self.done.append(f"{type(self).__name__.lower()}: {'with' if copied else 'without'} a copy")
        if copied:
            outsiders.copytruncate(self.writer.path, packed=packed)
        elif self.writer.path.exists():
            self.ask()
            os.truncate(self.writer.path, 0)


class Appended(Copied):
    """The same with a writer that appends: the log begins anew."""

    form: Form = "json"

    def begin(self) -> Path:
        path = super().begin()
        path.touch()
        return path

    def write(self, count: int) -> None:
        if not self.writer.is_open:
            self.writer.reopen()
        super().write(count)


class Deleted(Sensor):
    """Deleted or replaced, and made anew; not there at first."""

    begins_late = True

    def rotate(self) -> None:
        if not self.writer.is_open or self.chance.random() < 0.7:  # all wait while it asks
            return
        self.done.append("deleted" if self.coin() else "replaced")
        self.ask()
        if self.done[-1] == "deleted":
            self.writer.path.unlink()
            self.writer.crash()
        else:
            self._replace()
        self.sleep(0.2)

    def _replace(self) -> None:
        beside = Writer(self.writer.path.with_name(".conn.log.new"), form=self.form, names=self.writer.names)
        numbers = self.numbers(2)
        beside.write(*numbers)
        self.reference.write(*numbers)
        self.writer.crash()
        beside.path.rename(self.writer.path)
        beside.crash()
        self.writer.reopen()


class Linked(Sensor):
    """``current`` leads to the folder of the day, and is switched."""

    watched = "current/conn.log"

    def begin(self) -> Path:
        self.days = 0
        self._switch(self.place())
        return self.place()

    def place(self) -> Path:
        """Where the log of the day lies; its folder is made."""
        folder = self.folder / f"{FIRST + timedelta(days=self.days):%Y-%m-%d}"
        folder.mkdir(exist_ok=True)
        return folder / self.log

    def rotate(self) -> None:
        former = self.writer
        self.days += 1
        ahead = self.coin()
        self.done.append(
            f"{type(self).__name__.lower()}: {'ahead' if ahead else 'when the old one was closed'}"
        )
        place = self.place()
        if not ahead:
            former.close()
            self._switch(place)
            self.sleep(0.2)  # the link leads to nothing
        self.writer = Writer(place, form=self.form, names=former.names)
        self.writer.rotations = self.days
        self.write(self.chance.randrange(1, 4))
        if ahead:
            self._switch(place)
            self.sleep(0.05)
            former.close()
        if self.coin():
            _pack(former.path, zstd=self.coin())

    def _switch(self, place: Path) -> None:
        outsiders.switch(self.folder / "current", Path(place.parent.name))


class Pointed(Linked):
    """The log itself is a link, to the file of the day."""

    form: Form = "json"
    watched = "conn.log"

    def place(self) -> Path:
        return self.folder / f"conn.{FIRST + timedelta(days=self.days):%Y-%m-%d}.log"

    def _switch(self, place: Path) -> None:
        outsiders.switch(self.folder / "conn.log", Path(place.name))


SENSORS: dict[str, type[Sensor]] = {
    "zeek": Zeek,
    "zeekctl": Zeekctl,
    "numbered": Numbered,
    "suricata": Suricata,
    "copied": Copied,
    "appended": Appended,
    "deleted": Deleted,
    "linked": Linked,
    "pointed": Pointed,
}


def _pack(path: Path, *, zstd: bool) -> None:
    """Compress as the tools do: a file beside that grows, then the old one is removed."""
    if not path.exists():
        return
    if not zstd:
        outsiders.compress(path)
        return
    target = path.with_name(path.name + ".zst")
    with path.open("rb") as source, zstandard.open(target, "wb") as packed:
        shutil.copyfileobj(source, packed)
    path.unlink()


def _close(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)
