"""Small labelled captures of our own making, with their tables and a recipe, laid out as real ones are."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from tests.builders import Ints, frame_of, row
from tests.made import IOT23
from zeekml.simulate import Scenario, write_traffic
from zeekml.training.captures import Capture
from zeekml.training.overlays import HostLog

#: Infected hosts of the made network are so few that three patterns make one of each.
CLEAN = ("browsing", "dns", "ntp", "updates")
INFECTED = ("dns", "ntp", "mirai-scan", "mirai-command", "beacon-regular")

RECIPE: Mapping[str, Any] = {
    "name": "made",
    "description": "for tests",
    "seed": 3,
    "threads": 1,
    "folds": 3,
    "classes": {
        "Benign/*": "Benign",
        "Malicious/PortScan": "PortScan",
        "Malicious/C&C": "C&C",
        "Malicious/*": "Unknown",
    },
    "data": {"groups": "logs/groups.csv", "hosts": "logs/hosts.csv"},
    "overlays": {"min_connections": 20, "longest": 256, "draws": 1},
    "network": {"width": 8, "depth": 1, "bins": 3},
    "fit": {"epochs": 2, "patience": 1, "length": 32, "batch": 16},
}


def recipe_file(folder: Path, change: Callable[[dict[str, Any]], None] = lambda _: None) -> Path:
    """Write the recipe, changed, and return its path."""
    content: dict[str, Any] = deepcopy(dict(RECIPE))
    change(content)
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    """Write a table as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def write_captures(folder: Path, *, groups: int = 3, connections: int = 700) -> Path:
    """Write ``groups`` infected and as many clean captures, each a group of its own, and their tables."""
    logs, captures, hosts = folder / "logs", [], []
    logs.mkdir(parents=True)
    for number in range(groups):
        for kind, patterns in (("clean", CLEAN), ("bot", INFECTED)):
            name = f"{kind}-{number}"
            file = f"{name}.conn.log.labeled"
            scenario = Scenario(
                connections=connections, seed=10 * number + len(kind), hosts=12, patterns=patterns
            )
            write_traffic(logs / file, scenario, labels=True, style=IOT23 if number else None)
            captures.append((file, name))
            if kind == "clean":
                hosts.append((name, "*", 0))
            else:
                hosts += [(name, host, 1) for host in malicious_hosts(logs / file)]
    write_table(logs / "groups.csv", ("file", "group"), captures)
    write_table(logs / "hosts.csv", ("file", "host", "infected"), hosts)
    return folder


def malicious_hosts(path: Path) -> list[str]:
    """The originators of the connections labelled malicious in a made log."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "Malicious" in line]
    return sorted({line.split("\t")[2] for line in lines})


def capture(
    name: str,
    rows: Sequence[Mapping[str, object]] | pd.DataFrame,
    labels: Sequence[int] | None = None,
    *,
    infected: tuple[str, ...] = (),
    clean: bool = False,
    group: str | None = None,
    measured: bool = True,
) -> Capture:
    """A capture made by hand; without labels everything is benign."""
    frame = rows if isinstance(rows, pd.DataFrame) else frame_of(rows)
    held = np.zeros(len(frame), dtype=np.int64) if labels is None else np.array(labels, dtype=np.int64)
    return Capture(name, group or name, frame, held, infected, clean, measured)


def host_rows(host: str, times: Sequence[float], **changes: object) -> list[dict[str, object]]:
    """Connections of one host at these times (seconds after the epoch's 1.7e9th)."""
    return [row(ts=1.7e9 + time, id_orig_h=host, **changes) for time in times]


def log_of(rows: Sequence[Mapping[str, object]], labels: Sequence[int] | None = None) -> HostLog:
    """A bot's connections made by hand; without labels everything is malicious."""
    held: Ints = np.ones(len(rows), dtype=np.int64) if labels is None else np.array(labels, dtype=np.int64)
    return HostLog("made", "192.168.1.66", frame_of(rows), held, np.ones(len(rows), dtype=bool))
