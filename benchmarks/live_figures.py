"""The figures in what ``benchmarks/live.py`` prints, and what they are held to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from benchmarks.bars import Bar

_LINES = {
    "quiet_s": r"quiet for +([\d.]+) s",
    "line_ms": r"a line on an idle sensor: median (\d+) ms",
    "rate": r"connections a second +([\d,]+) for",
    "lag_p50_s": r"lag, p50 +([\d.]+) s",
    "lag_p99_s": r"lag, p99 +([\d.]+) s",
    "lag_most_s": r"lag, most +([\d.]+) s",
    "cores": r"processor +([\d.]+) cores",
    "peak_mib": r"memory, peak +(\d+) MiB",
}
_QUARTERS = re.compile(r"^memory, by quarters +([\d ]+) MiB$", re.MULTILINE)


def figures_of(said: str) -> dict[str, Any]:
    """The figures by name, those that the kind of run prints."""
    found: dict[str, Any] = {}
    for name, pattern in _LINES.items():
        if line := re.search(f"^{pattern}", said, re.MULTILINE):
            found[name] = float(line[1].replace(",", ""))
    if line := _QUARTERS.search(said):
        found["memory_mib"] = [float(each) for each in line[1].split()]
    return found


def live_bars(quiet: Mapping[str, Any], idle: Mapping[str, Any], soak: Mapping[str, Any]) -> list[Bar]:
    """What the three kinds of watch are held to."""
    return [
        Bar("a watch on which nothing happens, cores", quiet["cores"], most=0.01),
        Bar("its memory, MiB", max(quiet["memory_mib"]), most=350.0),
        Bar("a line on an idle sensor, ms", idle["line_ms"], most=300.0),
        Bar(
            f"{soak['rate']:,.0f} connections a second: lag, 99th percentile, s", soak["lag_p99_s"], most=1.0
        ),
        Bar("the same: cores", soak["cores"], most=1.0),
        Bar("the same: memory, MiB", max(soak["memory_mib"]), most=600.0),
    ]
