"""Three sensors in one process, each rotated in its own way, that write at random speeds until they are told to stop.

Standard input and output are the way to talk to it: ``crash N`` asks whether it may crash now, N lines after its
start (a crash of Zeek takes with it what nobody has read yet), ``go`` allows it, ``stop`` ends all, then it says
``done N``.
Beside the logs it keeps each of them whole in ``reference``, for the batch run.
"""

from __future__ import annotations

import random
import select
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Literal

from tests.sensor import outsiders
from tests.sensor.zeek_writer import FIRST, Form, ZeekWriter

Way = Literal["date", "number", "copy"]
SENSORS: dict[str, tuple[Way, Form]] = {
    "dated": ("date", "tsv"),
    "numbered": ("number", "json"),
    "copied": ("copy", "tsv"),
}
_RANGE = 10_000_000


def log_of(folder: Path, name: str) -> Path:
    """The live log of a sensor."""
    return folder / "logs" / name / "conn.log"


def reference_of(folder: Path, name: str) -> Path:
    """All lines of a sensor in one log."""
    return folder / "reference" / name / "conn.log"


class Sensor:
    """One log, its writer, and its reference."""

    def __init__(self, folder: Path, name: str, chance: random.Random) -> None:
        self.chance = chance
        self.way, form = SENSORS[name]
        self.next = list(SENSORS).index(name) * _RANGE
        for path in (log_of(folder, name), reference_of(folder, name)):
            path.parent.mkdir(parents=True)
        self.writer = ZeekWriter(log_of(folder, name), form=form)
        self.reference = ZeekWriter(reference_of(folder, name), form=form)

    def write(self, count: int) -> None:
        """Write connections, now and then one in two parts."""
        for number in range(self.next, self.next + count):
            if self.chance.random() < 0.02:
                self.writer.write_half(number, self.chance.random())
                time.sleep(self.chance.random() * 0.03)
                self.writer.finish_half()
            else:
                self.writer.write(number)
            self.reference.write(number)
        self.next += count

    def rotate(self) -> None:
        """Rotate in this sensor's way, perhaps compress."""
        packed = self.chance.random() < 0.5
        match self.way:
            case "date":
                # A second each: the minutes of an hour would not do for a long campaign.
                rotated = self.writer.rotate(FIRST + timedelta(seconds=self.writer.rotations))
                if rotated and packed:
                    outsiders.compress(rotated)
                time.sleep(self.chance.random() * 0.2)  # no log at all
            case "number":
                outsiders.logrotate(self.writer.path, create=packed)
                if packed:
                    self.write(self.chance.randrange(3))  # still into the rotated file
                self.writer.reopen()
                if packed:
                    outsiders.compress(self.writer.path.with_name("conn.log.1"))
            case "copy":
                outsiders.copytruncate(self.writer.path, packed=packed)

    def crash(self) -> None:
        """Die in a line; the next start truncates the log in place."""
        self.writer.crash(half=self.next)
        self.next += 1
        time.sleep(self.chance.random() * 0.2)


def run(folder: Path, seed: int) -> None:
    """Write until told to stop."""
    chance = random.Random(seed)  # noqa: S311
    sensors = [Sensor(folder, name, chance) for name in SENSORS]
    for sensor in sensors:
        sensor.write(1)
    _tell(f"begun {_written(sensors)}")
    sys.stdin.readline()
    while not _told(0.0):
        sensor = chance.choice(sensors)
        sensor.write(int(chance.paretovariate(0.7)) % 300)
        dice = chance.random()
        if dice < 0.02:
            sensor.rotate()
        elif dice < 0.03 and sensor.way == "date" and sensor.writer.is_open:
            _tell(f"crash {_written(sensors)}")
            if sys.stdin.readline() != "go\n":
                break
            sensor.crash()
        elif dice < 0.5:
            time.sleep(chance.expovariate(1 / 0.04))
    for sensor in sensors:
        sensor.writer.close()
        sensor.reference.close()
    _tell(f"done {_written(sensors)}")


def _written(sensors: list[Sensor]) -> int:
    return sum(sensor.reference.lines_written for sensor in sensors)


def _told(wait: float) -> bool:
    return bool(select.select([sys.stdin], [], [], wait)[0])


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]))
