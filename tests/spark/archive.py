"""A small archive in which everything happens that spreads over files or hosts."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.compare import Compared, compare
from tests.made import LOGS
from zeekml.config import Settings
from zeekml.pipeline.batch import score_logs
from zeekml.pipeline.progress import Silent
from zeekml.pipeline.reading import Reading
from zeekml.pipeline.summary import Summary
from zeekml.scoring import load_bundle
from zeekml.simulate import Scenario, write_traffic

SENSOR = 6_000
CONNECTIONS = SENSOR + 1_000 + 90


def write_archive(folder: Path, made_log: Path) -> Path:
    """Write it: one log that was rotated, its sensor seeing bad checksums in the middle; one of JSON with broken
    lines; one of Suricata, and one Suricata log without flows; and a log that is none of ours."""
    sensor = folder / "sensor-a"
    sensor.mkdir()
    lines = made_log.read_bytes().splitlines(keepends=True)
    header = [line for line in lines if line.startswith(b"#") and not line.startswith(b"#close")]
    rows = [
        _bad(line) if 2000 <= at < 5000 else line for at, line in enumerate(lines[len(header) :][:SENSOR])
    ]
    first, second = rows[:2500], rows[2500:]
    with gzip.open(sensor / "conn.2026-01-01-00-00-00.log.gz", "wb") as file:
        file.write(b"".join(header + first))
    (sensor / "conn.2026-01-01-01-00-00.log").write_bytes(b"".join(header + second))

    write_traffic(folder / "json.log", Scenario(connections=1_000, seed=11, hosts=40), format="json")
    objects = (folder / "json.log").read_bytes().splitlines(keepends=True)
    objects[300:300] = [b'{"ts": 1, "id.orig_h"\n']
    objects[800:800] = [
        b"\n",
        b'{"_path":"conn","ts":"yesterday","id.orig_h":"10.0.0.1","conn_state":"SF"}\n',
    ]
    (folder / "json.log").write_bytes(b"".join(objects))

    (folder / "eve.json").write_bytes((LOGS / "eve.json").read_bytes())
    (folder / "eve-alerts.json").write_text('{"event_type":"alert","alert":{}}\n')
    (folder / "dns.log").write_bytes((LOGS / "dns.log").read_bytes())
    return folder


def _bad(line: bytes) -> bytes:
    """The same connection with a bad checksum in its history, where it has one."""
    fields = line.split(b"\t")
    at = _HISTORY
    if fields[at] != b"-":
        fields[at] = b"C" + fields[at]
    return b"\t".join(fields)


_HISTORY = 15


@dataclass(frozen=True)
class Plain:
    """A run of ``zeekml score``: its folder, its counts, what it said."""

    out: Path
    summary: Summary
    said: str


def plain_run(logs: Path, out: Path, settings: Settings) -> Plain:
    """What ``zeekml score`` makes of logs."""
    said = io.StringIO()
    with Reading([str(logs)]) as reading:
        return Plain(out, score_logs(reading, out, settings, Silent(said)), said.getvalue())


def records(folder: Path, output: str) -> list[dict[str, Any]]:
    """What a log in JSON holds."""
    return [json.loads(line) for line in (folder / f"{output}.log").read_text().splitlines()]


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Verdicts and notices."""
    return {output: records(folder, output) for output in ("zeekml", "notice")}


def compared(ours: Mapping[str, Sequence[Any]], plain: Mapping[str, Sequence[Any]]) -> Compared:
    """Whether two runs say the same, all logs together, in their order."""
    bundle = load_bundle(Settings().score.model)
    thresholds = {
        "connection": bundle.thresholds.connection,
        "floor": bundle.evidence.floor,
        "host": bundle.thresholds.host,
    }
    return compare(ours, plain, thresholds, lambda _uid: "all")
