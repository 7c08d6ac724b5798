"""What Zeek did not take in: alerts that were made while it was down.

A Zeek that starts passes over the rows of the alerts table that were written before (docs: the package in
zeek-scripts), for it cannot know which of them the Zeek before it has raised. They stand in zeekml.log and in
the table; here they are counted.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_LARGEST: Final = 64 << 20  # bytes of an alerts table; it is bounded far below


@dataclass(frozen=True, slots=True)
class Taken:
    """Rows of the alerts table: all, and those written before Zeek started; ``started``: epoch s, None when
    no Zeek runs on this machine."""

    rows: int
    before: int
    started: float | None


def count_rows(table: Path, started: float | None) -> Taken | None:
    """Count the rows of an alerts table; None where there is no table. A damaged row is not counted.

    Raises OSError when it cannot be read.
    """
    try:
        with table.open("rb") as file:
            text = file.read(_LARGEST).decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    place, written = -1, []
    for line in text.split("\n"):
        cells = line.split("\t")
        if cells[0] == "#fields" and "written" in cells:
            place = cells.index("written") - 1
        elif line and not line.startswith("#") and 0 <= place < len(cells):
            try:
                written.append(float(cells[place]))
            except ValueError:
                continue
    before = 0 if started is None else sum(moment < started for moment in written)
    return Taken(len(written), before, started)


def zeek_started(proc: Path = _PROC) -> float | None:
    """When the Zeek on this machine started, epoch seconds; None when there is none.

    Of a cluster it is the manager; else the process that has run longest, for a crashed worker is started
    anew alone.
    """
    try:
        boot = _boot_time(proc)
        ticks = os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None
    found: list[tuple[bool, float]] = []
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if (folder / "comm").read_text().strip() != "zeek":
                continue
            # The name in parentheses may hold anything; field 22 of proc(5) is the 20th after it.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            manager = b"manager" in (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:  # ended meanwhile
            continue
        found.append((not manager, boot + int(fields[19]) / ticks))
    return min(found)[1] if found else None


def _boot_time(proc: Path) -> float:
    for line in (proc / "stat").read_text().splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    raise ValueError("no btime in /proc/stat")
