"""All sensors of the campaign in one process, writing at random speeds until they are told to stop.

It is talked to by standard input and output, a JSON object a line. It says ``{"say": "wait", "written": N}`` before it
takes away what must have been read by then, and goes on with ``go``; on ``stop`` it ends and says ``done``, with how
many connections were written, how many lines were broken for good, and what was done to the logs how often.
"""

from __future__ import annotations

import json
import random
import select
import sys
import time
from collections import Counter
from pathlib import Path

from tests.faults.ways import SENSORS
from tests.faults.writer import Sensor, Stopped

RANGE = 10_000_000
"""Connections of a sensor: its place among the sensors times this is the number of its first."""


def watched_path(folder: Path, name: str) -> Path:
    """What zeekml is given of a sensor."""
    return folder / "logs" / name / SENSORS[name].watched


def reference_of(folder: Path, name: str) -> Path:
    """All lines of a sensor in one log."""
    return folder / "reference" / name / SENSORS[name].log


class Sensors:
    """All of them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311
        self.sensors: list[Sensor] = [
            kind(folder / "logs" / name, reference_of(folder, name), place * RANGE, self.chance, self._may)
            for place, (name, kind) in enumerate(SENSORS.items())
        ]

    def run(self) -> None:
        """Write until told to stop."""
        for sensor in self.sensors:
            if not sensor.begins_late:
                sensor.write(1)
        self._tell("begun")
        sys.stdin.readline()
        try:
            while not select.select([sys.stdin], [], [], 0.0)[0]:
                self._turn()
        except Stopped:
            pass
        for sensor in self.sensors:
            sensor.end()
        self._tell("done")

    def _turn(self) -> None:
        sensor = self.chance.choice(self.sensors)
        sensor.write_some()
        dice = self.chance.random()
        if dice < 0.05:
            sensor.rotate()
        elif dice < 0.5:
            time.sleep(self.chance.expovariate(1 / 0.04))

    def _may(self) -> bool:
        self._tell("wait")
        return sys.stdin.readline() == "go\n"

    def _tell(self, what: str) -> None:
        told = {
            "say": what,
            "written": sum(sensor.reference.lines_written for sensor in self.sensors),
            "broken": sum(sensor.broken for sensor in self.sensors),
            "rotations": Counter(way for sensor in self.sensors for way in sensor.done),
        }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    Sensors(Path(sys.argv[1]), int(sys.argv[2])).run()
